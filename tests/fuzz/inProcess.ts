import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
import type { CloudFrontRequest, CloudFrontResultResponse } from "aws-lambda";
import { gate } from "../../runtime/aws/gate.ts";
import { MAX_BODY_BYTES } from "../../runtime/domain/body/requestBody.ts";
import { compileSchema } from "../../runtime/domain/body/schema.ts";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  newKeyId,
  newSecret,
  type Peppers,
} from "../../runtime/domain/identity/apiKey.ts";
import { KeyCache } from "../../runtime/edge/keyCache.ts";
import { type EdgePorts, originRequest } from "../../runtime/edge/originRequest.ts";
import { accept, type Ports } from "../../runtime/ingest/accept.ts";
import { Limiter } from "../../runtime/redis/limiter.ts";
import { memoryIdempotency } from "../support/idempotency.ts";
import type { Case } from "./cases.ts";

/** Viewer function, edge function and ingest, one after the other as CloudFront has them, over memory. */
export interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Events that went to the queue with this request. */
  readonly sent: number;
}

export interface InProcess {
  /** Authorizations, the first of them good. */
  readonly keys: readonly string[];
  run(one: Case): Promise<Outcome>;
}

type ViewerHeaders = Record<string, { value: string }>;
const viewerCode = readFileSync(new URL("../../runtime/edge/viewer.js", import.meta.url), "utf8");
const mark = runInThisContext(
  `(() => { const cf = { kvs() {} }; ${viewerCode.replace(/^(\/\/|import ).*$/gm, "")}; return mark; })()`,
) as (headers: ViewerHeaders) => void;

const peppers: Peppers = { current: "1", versions: { "1": Buffer.alloc(32, 7).toString("base64") } };

function newKey(status: "active" | "revoked" = "active") {
  const secret = newSecret();
  const record: KeyRecord = {
    key_id: newKeyId(),
    customer_id: "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    environment: "live",
    scopes: ["events:write"],
    status,
    versions: [{ hash: hashSecret(secret, peppers.versions["1"]!), pepper_version: "1", created_at: "" }],
    customer_limit_per_second: 1e9,
    created_at: "",
  };
  return { record, header: `Bearer ${formatKey("live", record.key_id, secret)}` };
}

export function inProcess(fail: (what: string, cause: unknown) => void): InProcess {
  const good = newKey();
  const revoked = newKey("revoked");
  const table = new Map([good, revoked].map(({ record }) => [record.key_id, record]));
  const edge: EdgePorts = {
    keys: new KeyCache({ read: async (id) => table.get(id), now: Date.now }),
    peppers: async () => peppers,
    now: Date.now,
    used: () => {},
    refused: () => {},
    failed: (_, cause) => fail("edge", cause),
  };
  const strict = compileSchema(
    JSON.stringify({ required: ["id"], properties: { id: { type: "string", pattern: "^[a-z]+$" } } }),
  );
  let sent = 0;
  const ports: Ports = {
    callerOf: gate(async () => JSON.stringify(peppers), Date.now).pass,
    limiter: new Limiter({
      redis: {
        run: async () => {
          throw new Error("there is no Redis in this process");
        },
      },
      now: Date.now,
      failedOpen: () => {},
    }),
    idempotency: memoryIdempotency(),
    schemas: async () => (type) => (type === "order.created" ? strict : undefined),
    putPayload: async () => {},
    answered: () => {},
    send: async ({ count }) => {
      sent += count;
    },
    now: Date.now,
    failed: (what, _, cause) => fail(what, cause),
  };
  return {
    keys: [
      good.header,
      revoked.header,
      newKey().header,
      `${good.header}x`,
      good.header.slice(0, -1),
      "",
      "Bearer",
      "Bearer ",
      "Basic x",
      "\u0000",
      `Bearer ${"x".repeat(5_000)}`,
    ],
    async run({ method, uri, headers, body }) {
      sent = 0;
      const seen: ViewerHeaders = {};
      for (const [name, value] of Object.entries(headers)) {
        Object.defineProperty(seen, name, { value: { value }, enumerable: true, configurable: true, writable: true });
      }
      mark(seen);
      const request = {
        clientIp: "203.0.113.7",
        method,
        uri,
        querystring: "",
        headers: Object.fromEntries(Object.entries(seen).map(([key, { value }]) => [key, [{ key, value }]])),
        body: {
          inputTruncated: body.length > 1_048_576,
          action: "read-only",
          encoding: "base64",
          data: body.toString("base64", 0, 1_048_576),
        },
      } as CloudFrontRequest;
      const result = (await originRequest(request, edge)) as CloudFrontRequest | CloudFrontResultResponse;
      if ("status" in result) {
        const answered = Object.fromEntries(
          Object.entries(result.headers ?? {}).map(([name, [first]]) => [name, first!.value]),
        );
        return { status: Number(result.status), headers: answered, body: result.body ?? "", sent };
      }
      const on = result as CloudFrontRequest;
      const origin = on.body?.action === "replace" ? Buffer.from(on.body.data) : body.subarray(0, 2 * MAX_BODY_BYTES);
      const names = Object.fromEntries(Object.entries(on.headers).map(([name, [first]]) => [name, first!.value]));
      return { ...(await accept({ method: on.method, path: on.uri, headers: names, body: origin }, ports)), sent };
    },
  };
}
