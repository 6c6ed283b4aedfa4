import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";

/**
 * What customers entrust to the platform, signing secrets and values of custom headers, is encrypted before it is stored:
 * AES-256-GCM by a key of the customer's own, derived by HKDF (RFC 5869) from a data key that Secrets Manager keeps under a
 * KMS key. Where a text belongs, customer, subscription and member, is authenticated with it, so that a sealed text opens at its own place
 * alone. docs/decisions/sealed-secrets.md says why there and not by KMS itself.
 */

/** The value of the secret: data keys of 32 bytes, base64, by version. `current` seals new texts. */
export interface KeyRing {
  readonly current: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** Where a text belongs. @example ["cus_1", "sub_1", "header:authorization"] */
export type Place = readonly [customerId: string, subscriptionId: string, member: string];

export interface Vault {
  /** Version of the key that seals. */
  readonly current: string;
  /** Whether the ring has this version. */
  has(version: string): boolean;
  /** `sealed:<version>:<iv, tag and ciphertext in base64url>`. */
  seal(text: string, place: Place): string;
  /** A text that was stored before texts were sealed is returned as it is. @throws Error when it was not sealed for this place */
  open(text: string, place: Place): string;
}

/** How many texts need each version of the key, `""` for clear text, and how many are damaged, which need none. */
export interface SealedCounts {
  readonly versions: Readonly<Record<string, number>>;
  readonly damaged: number;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^sealed:([A-Za-z0-9]+):([A-Za-z0-9_-]+)$/;
/** Derived keys that are kept. */
const KEYS_KEPT = 1_000;

export const newDataKey = (): string => randomBytes(KEY_BYTES).toString("base64");

export const newKeyRing = (): KeyRing => ({ current: "1", keys: { "1": newDataKey() } });

/** Version of the key that a text is sealed by; undefined for clear text. */
export const sealedBy = (text: string): string | undefined => SEALED.exec(text)?.[1];

/** @param ring JSON of a `KeyRing` @throws Error when the text is no key ring */
export function openVault(ring: string): Vault {
  const { current, keys } = JSON.parse(ring) as KeyRing;
  const derived = new Map<string, KeyObject>();

  function keyOf(version: string, customerId: string): KeyObject {
    const name = `${version}:${customerId}`;
    const known = derived.get(name);
    if (known !== undefined) return known;
    const dataKey = Object.hasOwn(keys, version) ? Buffer.from(keys[version]!, "base64") : undefined;
    if (dataKey?.length !== KEY_BYTES) throw new Error(`the key ring has no key "${version}"`);
    const made = createSecretKey(Buffer.from(hkdfSync("sha256", dataKey, "", `customer ${customerId}`, KEY_BYTES)));
    if (derived.size >= KEYS_KEPT) derived.clear();
    derived.set(name, made);
    return made;
  }
  keyOf(current, "");

  return {
    current,
    has: (version) => Object.hasOwn(keys, version),
    seal(text, place) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyOf(current, place[0]), iv);
      cipher.setAAD(Buffer.from(JSON.stringify(place)));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `sealed:${current}:${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url")}`;
    },
    open(text, place) {
      const [, version, packed] = SEALED.exec(text) ?? [];
      if (version === undefined || packed === undefined) return text;
      const bytes = Buffer.from(packed, "base64url");
      const tagEnd = IV_BYTES + TAG_BYTES;
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv("aes-256-gcm", keyOf(version, place[0]), bytes.subarray(0, IV_BYTES), options);
      decipher.setAAD(Buffer.from(JSON.stringify(place)));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, tagEnd));
      return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString("utf8");
    },
  };
}

/** The last vault opened is kept: its ring is read again and again. */
export function vaults(): (ring: string) => Vault {
  let last: { readonly ring: string; readonly vault: Vault } | undefined;
  return (ring) => {
    if (last?.ring !== ring) last = { ring, vault: openVault(ring) };
    return last.vault;
  };
}
