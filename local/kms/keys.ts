import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { JsonFile } from "../jsonFile.ts";
import { type LocalContext, ServiceError } from "../service.ts";

/**
 * Keys and aliases, and what the actions of KMS do with them. Ciphertexts are AES-256-GCM with the encryption context as associated data;
 * keys lie in the state and never rotate.
 */
const MAX_PLAINTEXT_BYTES = 4096;
/** The longest data key, bytes. */
const MOST_KEY_BYTES = 1_024;
const KEY_ID_BYTES = 36;
const IV_BYTES = 12;
const TAG_BYTES = 16;

interface Key {
  readonly id: string;
  readonly logicalName: string;
  readonly region: string;
  /** Base64, 32 bytes. */
  readonly material: string;
}

export type Args = Readonly<Record<string, unknown>>;

export const refuse = (code: string, message: string): ServiceError => new ServiceError(code, message);

/** A member that is a text, or was left out. @throws ServiceError for anything else, as for JSON that KMS can't read */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw refuse("SerializationException", "A member that is a text has another type.");
}

const contextOf = (args: Args): Buffer =>
  Buffer.from(
    JSON.stringify(
      Object.entries((args.EncryptionContext ?? {}) as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );

function seal(key: Key, plaintext: Buffer, args: Args): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key.material, "base64"), iv).setAAD(contextOf(args));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from(key.id), iv, cipher.getAuthTag(), sealed]).toString("base64");
}

export interface DeclaredKey {
  /** ARN of the key that it is a replica of. */
  readonly primary: string | undefined;
  readonly multiRegion: boolean;
}

export class Keys {
  readonly #file: JsonFile<{ keys: Key[] }>;
  readonly #accountId: string;
  /** Target key id by region and alias. */
  readonly #aliases = new Map<string, string>();

  constructor({ state, accountId }: LocalContext) {
    this.#file = new JsonFile<{ keys: Key[] }>(join(state, "kms.json"), { keys: [] });
    this.#accountId = accountId;
  }

  arnOf({ region, id }: Key): string {
    return `arn:aws:kms:${region}:${this.#accountId}:key/${id}`;
  }

  /** The key that the program declares under this name, made at first. */
  declare(logicalName: string, region: string, { primary, multiRegion }: DeclaredKey): Key {
    const { keys } = this.#file.value;
    const known = keys.find((one) => one.logicalName === logicalName && one.region === region);
    if (known !== undefined) return known;
    // A replica has the id and the material of its primary, and so the same ARN but for the region.
    const like = primary === undefined ? undefined : this.find(primary, primary.split(":")[3]!);
    const own = randomUUID();
    const id = like?.id ?? (multiRegion ? `mrk-${own.replaceAll("-", "")}` : own);
    const key = { id, logicalName, region, material: like?.material ?? randomBytes(32).toString("base64") };
    keys.push(key);
    this.#file.save();
    return key;
  }

  alias(name: string, region: string, key: Key): void {
    this.#aliases.set(`${region}/${name}`, key.id);
  }

  /** By id, ARN, `alias/…` or alias ARN. */
  find(id: unknown, region: string): Key {
    const text = textOf(id);
    const alias = /(?:^|:)(alias\/.+)$/.exec(text)?.[1];
    const keyId =
      alias === undefined ? text.replace(/^arn:aws:kms:.*:key\//, "") : this.#aliases.get(`${region}/${alias}`);
    // A key and its replicas have one id: an ARN says which, an id means the one of the region.
    const where = /^arn:aws:kms:([^:]+):.*:key\//.exec(text)?.[1] ?? region;
    const named = this.#file.value.keys.filter((one) => one.id === keyId);
    const key = named.find((one) => one.region === where) ?? named[0];
    if (key === undefined)
      throw refuse(
        "NotFoundException",
        alias === undefined ? `Key '${text}' does not exist` : `Alias ${text} is not found.`,
      );
    return key;
  }

  /** The key and the text of a ciphertext. @throws ServiceError where another key made it */
  open(args: Args): { key: Key; plaintext: Buffer } {
    const blob = Buffer.from(textOf(args.CiphertextBlob), "base64");
    const key = this.#file.value.keys.find(({ id }) => id === blob.toString("latin1", 0, KEY_ID_BYTES));
    try {
      if (key === undefined) throw new Error("no such key");
      const tagAt = KEY_ID_BYTES + IV_BYTES;
      const decipher = createDecipheriv(
        "aes-256-gcm",
        Buffer.from(key.material, "base64"),
        blob.subarray(KEY_ID_BYTES, tagAt),
      )
        .setAAD(contextOf(args))
        .setAuthTag(blob.subarray(tagAt, tagAt + TAG_BYTES));
      return { key, plaintext: Buffer.concat([decipher.update(blob.subarray(tagAt + TAG_BYTES)), decipher.final()]) };
    } catch {
      throw refuse("InvalidCiphertextException", "");
    }
  }

  dataKey(args: Args, region: string, reveal: boolean) {
    const key = this.find(args.KeyId, region);
    const bytes =
      args.NumberOfBytes === undefined ? (args.KeySpec === "AES_128" ? 16 : 32) : Number(args.NumberOfBytes);
    if (!(Number.isInteger(bytes) && bytes >= 1 && bytes <= MOST_KEY_BYTES))
      throw refuse("ValidationException", `NumberOfBytes must be from 1 to ${MOST_KEY_BYTES}.`);
    const plaintext = randomBytes(bytes);
    return {
      CiphertextBlob: seal(key, plaintext, args),
      KeyId: this.arnOf(key),
      ...(reveal ? { Plaintext: plaintext.toString("base64") } : {}),
    };
  }

  encrypt(args: Args, region: string) {
    const key = this.find(args.KeyId, region);
    const plaintext = Buffer.from(textOf(args.Plaintext), "base64");
    if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES)
      throw refuse("ValidationException", `The plaintext must have 1 to ${MAX_PLAINTEXT_BYTES} bytes.`);
    return {
      CiphertextBlob: seal(key, plaintext, args),
      KeyId: this.arnOf(key),
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    };
  }

  decrypt(args: Args, region: string) {
    const { key, plaintext } = this.open(args);
    if (args.KeyId !== undefined && this.find(args.KeyId, region).id !== key.id)
      throw refuse(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
      );
    return {
      Plaintext: plaintext.toString("base64"),
      KeyId: this.arnOf(key),
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    };
  }

  describeKey(args: Args, region: string) {
    const key = this.find(args.KeyId, region);
    return {
      KeyMetadata: {
        KeyId: key.id,
        Arn: this.arnOf(key),
        Enabled: true,
        KeyState: "Enabled",
        KeyUsage: "ENCRYPT_DECRYPT",
        KeySpec: "SYMMETRIC_DEFAULT",
        MultiRegion: false,
      },
    };
  }
}
