import { defined } from "../domain/defined.ts";
import { TriggersError, unauthorized } from "../domain/errors/errors.ts";
import { type KeyRecord, type KeyVersion, type Peppers, parseKey, versionOf } from "../domain/identity/apiKey.ts";
import type { Identity } from "../domain/identity/identity.ts";
import type { Millis } from "../domain/time.ts";
import type { KeyCache } from "./keyCache.ts";

/**
 * Who calls.
 *
 * Invariant: every refusal is the same answer, and takes the same work. An unknown id and a wrong secret cost one look
 * into the cache (or, equally often, the table) and the same HMACs. A key whose checksum fails is refused before that:
 * this tells nothing, for a holder of the text can compute its checksum.
 */
export interface Authenticator {
  readonly keys: Pick<KeyCache, "get" | "newer" | "refused">;
  /** The peppers, with at least this version when it can be had. */
  peppers(version?: string): Promise<Peppers>;
  now(): Millis;
}

const BEARER = /^Bearer +(\S{1,200})$/i;

/** The key that a header names. It is not yet known who sent it. */
export const keyIdIn = (authorization: string | undefined): string | undefined =>
  parseKey(BEARER.exec(authorization ?? "")?.[1] ?? "")?.key_id;

const away = (cause: unknown): TriggersError =>
  new TriggersError("unavailable", "API keys can't be verified at the moment.", {
    headers: { "retry-after": "1" },
    cause,
  });

/** The version of the record that may be used with this secret now. Does the same work for any record, and for none. */
async function fits(
  record: KeyRecord | undefined,
  secret: string,
  environment: string,
  { peppers, now }: Authenticator,
): Promise<KeyVersion | undefined> {
  const known = await peppers(record?.versions[0]?.pepper_version);
  const version = versionOf(record, secret, known, now());
  if (record === undefined || record.status !== "active" || record.environment !== environment) return undefined;
  return record.expires_at === undefined || Date.parse(record.expires_at) > now() ? version : undefined;
}

/**
 * The identity behind an `Authorization` header.
 * @throws TriggersError `unauthorized`; `unavailable` when both table and cache are out of reach
 */
export async function authenticate(
  authorization: string | undefined,
  sourceIp: string,
  authenticator: Authenticator,
): Promise<Identity> {
  const parsed = parseKey(BEARER.exec(authorization ?? "")?.[1] ?? "");
  if (parsed === undefined) throw unauthorized();
  const { keys } = authenticator;
  const { key_id, secret, environment } = parsed;
  let record: KeyRecord | undefined;
  let version: KeyVersion | undefined;
  try {
    record = await keys.get(key_id);
    version = await fits(record, secret, environment, authenticator);
    if (version === undefined) {
      record = await keys.newer(key_id);
      version = record && (await fits(record, secret, environment, authenticator));
      if (version === undefined) {
        if (record !== undefined) keys.refused(key_id);
        throw unauthorized();
      }
    }
  } catch (thrown) {
    throw thrown instanceof TriggersError ? thrown : away(thrown);
  }
  return identityOf(record!, version, sourceIp);
}

const identityOf = (record: KeyRecord, version: KeyVersion, sourceIp: string): Identity => ({
  customer_id: record.customer_id,
  environment: record.environment,
  key_id: record.key_id,
  ...defined({ key_name: record.name }),
  key_version: Date.parse(version.created_at),
  scopes: record.scopes,
  limit_per_second: record.customer_limit_per_second,
  ...defined({
    key_limit_per_second: record.limit_per_second,
    key_family: record.family,
    allowed_origins: record.allowed_origins,
  }),
  source_ip: sourceIp,
});
