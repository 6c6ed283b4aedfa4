import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { timeOf, ulidIn } from "../ids.ts";
import type { Millis } from "../time.ts";
import type { Peppers } from "./apiKey.ts";

/**
 * The edge's seal on who calls.
 *
 * Invariant: what an origin believes of a caller was said by who knows the pepper, for this request and no other, minutes ago at
 * most. Leave to invoke an origin's function, which the standby's watch has too, says nothing about anybody.
 *
 * HMAC-SHA-256 over request id, method, path and identity, by a key that HKDF derives from a pepper; `<version>.<base64url>`.
 * A new pepper is a new key, and while two are in use, so are their keys. The body is bound by origin access control's own
 * signature (`x-amz-content-sha256`). docs/decisions/identity-seal.md
 */

/** What is sealed, as it travels. */
export interface Sealed {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** Encoded. */
  readonly identity: string;
}

/**
 * The id of a request tells when it came. That may differ from this machine's clock by so many milliseconds; a seal beyond that is late.
 */
const VALID_MS = 300_000;

const keys = new Map<string, KeyObject>();

function keyOf(pepper: string): KeyObject {
  const known = keys.get(pepper);
  if (known !== undefined) return known;
  const bytes = hkdfSync("sha256", Buffer.from(pepper, "base64"), "", "triggers identity", 32);
  const made = createSecretKey(Buffer.from(bytes));
  keys.set(pepper, made);
  return made;
}

const macOf = ({ requestId, method, path, identity }: Sealed, pepper: string): Buffer =>
  createHmac("sha256", keyOf(pepper)).update(`${requestId}\n${method}\n${path}\n${identity}`).digest();

/** @throws Error when the newest pepper is not among them */
export function sealOf(sealed: Sealed, { current, versions }: Peppers): string {
  const pepper = versions[current];
  if (pepper === undefined) throw new Error(`there is no pepper ${current}`);
  return `${current}.${macOf(sealed, pepper).toString("base64url")}`;
}

/** Which version of the pepper a seal needs; undefined when the text is no seal. */
export const versionIn = (seal: string): string | undefined => /^(.{1,100})\.[\w-]{43}$/.exec(seal)?.[1];

/**
 * Whether the seal belongs to exactly this request and is fresh; `late` where it belongs to it but its time is past or ahead.
 * Takes the same time for every fault.
 * @param now milliseconds
 */
export function holds(seal: string, sealed: Sealed, { versions }: Peppers, now: Millis): boolean | "late" {
  const version = versionIn(seal);
  const pepper = version === undefined ? undefined : versions[version];
  const expected = macOf(sealed, pepper ?? "");
  const said = Buffer.from(seal.slice(-43), "base64url");
  const same = said.length === expected.length && timingSafeEqual(said, expected);
  const ulid = ulidIn("req", sealed.requestId);
  if (!same || pepper === undefined || ulid === undefined) return false;
  return Math.abs(now - timeOf(ulid)) <= VALID_MS || "late";
}
