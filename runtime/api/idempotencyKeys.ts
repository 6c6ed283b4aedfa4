import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Context } from "hono";
import { findCarriedOut } from "../database/audit.ts";
import { asCustomer } from "../database/roles.ts";
import { asTriggersError, TriggersError } from "../domain/errors/errors.ts";
import { bodyHashOf, idempotencyKeyIn, keyHashOf } from "../domain/idempotency.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { newUlid } from "../domain/ids.ts";
import { type ClaimRequest, claimed } from "../redis/idempotency.ts";
import type { ApiEnv, Deps } from "./deps.ts";

/**
 * `Idempotency-Key` on a call that creates or starts something.
 *
 * Invariant: what such a call does, it does once for one key and body. The claim upholds it while the first request runs;
 * after a crash, the audit log does, since the transaction of the change writes the claim into it. With an entry, the change was made and
 * its answer is lost. If there is none, the first request changed nothing, and the repeat makes the change.
 *
 * Answers may hold secrets that are shown once. They are kept as the first answer was, and can be read with the caller's key
 * alone: their encryption key is derived from it, of which Redis has a hash. docs/decisions/idempotency-of-management.md.
 */

/** Longer than the function's timeout. */
const LEASE_MS = 35_000;

interface Kept {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
/** Of an answer's own headers, those that a repeat gives again. */
const KEPT_HEADERS = ["content-type", "etag"];

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

async function cipherKey(deps: Deps, tenant: Tenant, key: string): Promise<Buffer> {
  const secret = await deps.secret(deps.env.CURSOR_SECRET);
  return Buffer.from(hkdfSync("sha256", `${secret}\n${key}`, tenant, "idempotency answer", 32));
}

function seal(kept: Kept, key: Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv);
  const text = Buffer.concat([cipher.update(zstdCompressSync(JSON.stringify(kept))), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64");
}

function open(sealed: string, key: Buffer): Kept {
  const bytes = Buffer.from(sealed, "base64");
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  return JSON.parse(zstdDecompressSync(text).toString("utf8")) as Kept;
}

const lost = (how: string, cause?: unknown) =>
  new TriggersError(
    "conflict",
    `The first request with this \`Idempotency-Key\` was carried out${how}, but its answer is lost. Read what it made; use a new key for another.`,
    { cause },
  );

/**
 * Does the work, or answers what it answered before under the caller's `Idempotency-Key`, if there is one.
 * @param raw the decoded body
 * @throws TriggersError as `claimed` does; `conflict` where the work was done and its answer is lost
 */
export async function withIdempotencyKey(
  deps: Deps,
  c: Context<ApiEnv>,
  raw: Uint8Array,
  work: () => Promise<Response> | Response,
): Promise<Response> {
  const key = idempotencyKeyIn(c.req.header("idempotency-key"));
  if (key === undefined) return work();
  const tenant = c.get("tenant");
  const { customer_id, person } = c.get("identity");
  const now = deps.now();
  const request: ClaimRequest = {
    tenant,
    keyHash: keyHashOf(key),
    // What one person was answered is no other person's, whose role may be another.
    bodyHash: bodyHashOf(raw, `${c.req.method} ${c.req.path}\n${person === undefined ? "" : `${person.person_id}\n`}`),
    first: newUlid(now),
    token: c.get("requestId"),
    now,
    leaseMs: LEASE_MS,
  };
  const claim = await claimed(deps.idempotency, request);
  const cipher = await cipherKey(deps, tenant, key);
  if (claim.kind === "replay") {
    let kept: Kept;
    try {
      kept = open(claim.answer, cipher);
    } catch (cause) {
      throw lost("", cause);
    }
    const { status, headers, body } = kept;
    c.set("outcome", "replayed");
    return new Response(body, { status, headers: { ...headers, "idempotency-replayed": "true" } });
  }
  // If settling fails, time settles it: the lease ends.
  const settle = (settling: Promise<void>) =>
    settling.catch((cause: unknown) =>
      deps.log("warn", "api.unsettled", { request_id: c.get("requestId"), error: String(cause) }),
    );
  c.set("claim", claim.first);
  let response: Response;
  try {
    if (!claim.fresh) {
      const found = await asCustomer(deps.db, customer_id, (tx) => findCarriedOut(tx, customer_id, claim.first));
      if (found !== undefined) throw lost(` (entry ${found.seq} of the audit log, ${found.object})`);
    }
    response = await work();
  } catch (thrown) {
    const nothingDone = asTriggersError(thrown).status < 500;
    await settle(deps.idempotency.release(request, claim.fresh && nothingDone ? "drop" : "free"));
    throw thrown;
  }
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const kept: Kept = {
    status: response.status,
    headers: Object.fromEntries(headers),
    body: await response.clone().text(),
  };
  await settle(deps.idempotency.done(request, claim.first, seal(kept, cipher)));
  return response;
}
