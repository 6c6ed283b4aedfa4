import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { onlySupports, optional, regionOf, required } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import { jsonAnswer, jsonRefusal, readJsonCall } from "./jsonProtocol.ts";
import { KeyPolicies } from "./keyPolicy.ts";
import {
  type ApiCall,
  type Created,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/**
 * AWS KMS on one machine: symmetric keys and aliases, Encrypt, Decrypt, GenerateDataKey (also without plaintext) and DescribeKey.
 * Ciphertexts are AES-256-GCM with the encryption context as associated data; keys lie in the state and never rotate. Their policies decide
 * together with the account's (iam.ts).
 */
const MAX_PLAINTEXT_BYTES = 4096;
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

type Args = Readonly<Record<string, unknown>>;

const refuse = (code: string, message: string): ServiceError => new ServiceError(code, message);

export interface Kms extends LocalService {
  readonly policies: KeyPolicies;
}

export async function createKms(context: LocalContext): Promise<Kms> {
  const policies = new KeyPolicies(context.accountId);
  const file = new JsonFile<{ keys: Key[] }>(join(context.state, "kms.json"), { keys: [] });
  const { keys } = file.value;
  /** Target key id by region and alias. */
  const aliases = new Map<string, string>();
  const arnOf = (key: Key) => `arn:aws:kms:${key.region}:${context.accountId}:key/${key.id}`;

  /** By id, ARN, `alias/…` or alias ARN. */
  function find(id: unknown, region: string): Key {
    const text = String(id ?? "");
    const alias = /(?:^|:)(alias\/.+)$/.exec(text)?.[1];
    const keyId = alias === undefined ? text.replace(/^arn:aws:kms:.*:key\//, "") : aliases.get(`${region}/${alias}`);
    // A key and its replicas have one id: an ARN says which, an id means the one of the region.
    const where = /^arn:aws:kms:([^:]+):.*:key\//.exec(text)?.[1] ?? region;
    const named = keys.filter((one) => one.id === keyId);
    const key = named.find((one) => one.region === where) ?? named[0];
    if (key === undefined)
      throw refuse(
        "NotFoundException",
        alias === undefined ? `Key '${text}' does not exist` : `Alias ${text} is not found.`,
      );
    return key;
  }

  const contextOf = (args: Args): Buffer =>
    Buffer.from(
      JSON.stringify(
        Object.entries((args.EncryptionContext ?? {}) as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    );

  function encrypt(key: Key, plaintext: Buffer, args: Args): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", Buffer.from(key.material, "base64"), iv).setAAD(contextOf(args));
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return Buffer.concat([Buffer.from(key.id), iv, cipher.getAuthTag(), sealed]).toString("base64");
  }

  function decrypt(args: Args): { key: Key; plaintext: Buffer } {
    const blob = Buffer.from(String(args.CiphertextBlob ?? ""), "base64");
    const key = keys.find(({ id }) => id === blob.toString("latin1", 0, KEY_ID_BYTES));
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

  function dataKey(args: Args, region: string, reveal: boolean) {
    const key = find(args.KeyId, region);
    const bytes =
      args.NumberOfBytes === undefined ? (args.KeySpec === "AES_128" ? 16 : 32) : Number(args.NumberOfBytes);
    const plaintext = randomBytes(bytes);
    return {
      CiphertextBlob: encrypt(key, plaintext, args),
      KeyId: arnOf(key),
      ...(reveal ? { Plaintext: plaintext.toString("base64") } : {}),
    };
  }

  const actions: Readonly<Record<string, (args: Args, region: string) => unknown>> = {
    Encrypt(args, region) {
      const key = find(args.KeyId, region);
      const plaintext = Buffer.from(String(args.Plaintext ?? ""), "base64");
      if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES)
        throw refuse("ValidationException", `The plaintext must have 1 to ${MAX_PLAINTEXT_BYTES} bytes.`);
      return {
        CiphertextBlob: encrypt(key, plaintext, args),
        KeyId: arnOf(key),
        EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      };
    },
    Decrypt(args, region) {
      const { key, plaintext } = decrypt(args);
      if (args.KeyId !== undefined && find(args.KeyId, region).id !== key.id)
        throw refuse(
          "IncorrectKeyException",
          "The key ID in the request does not identify a CMK that can perform this operation.",
        );
      return { Plaintext: plaintext.toString("base64"), KeyId: arnOf(key), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
    },
    GenerateDataKey: (args, region) => dataKey(args, region, true),
    GenerateDataKeyWithoutPlaintext: (args, region) => dataKey(args, region, false),
    DescribeKey(args, region) {
      const key = find(args.KeyId, region);
      return {
        KeyMetadata: {
          KeyId: key.id,
          Arn: arnOf(key),
          Enabled: true,
          KeyState: "Enabled",
          KeyUsage: "ENCRYPT_DECRYPT",
          KeySpec: "SYMMETRIC_DEFAULT",
          MultiRegion: false,
        },
      };
    },
  };

  async function createKey(request: ResourceRequest): Promise<Created> {
    const { inputs, name } = request;
    onlySupports(
      request,
      "description policy enableKeyRotation rotationPeriodInDays deletionWindowInDays isEnabled keyUsage customerMasterKeySpec multiRegion bypassPolicyLockoutSafetyCheck primaryKeyArn enabled",
    );
    if (inputs.keyUsage !== undefined && inputs.keyUsage !== "ENCRYPT_DECRYPT")
      throw new Error(`${request.type} "${name}": keyUsage "${String(inputs.keyUsage)}" is not supported`);
    const region = regionOf(request, context);
    let key = keys.find((one) => one.logicalName === name && one.region === region);
    if (key === undefined) {
      const primary = optional(inputs, "primaryKeyArn", "string");
      // A replica has the id and the material of its primary, and so the same ARN but for the region.
      const like = primary === undefined ? undefined : find(primary, primary.split(":")[3]!);
      const own = randomUUID();
      const id = like?.id ?? (inputs.multiRegion === true ? `mrk-${own.replaceAll("-", "")}` : own);
      key = { id, logicalName: name, region, material: like?.material ?? randomBytes(32).toString("base64") };
      keys.push(key);
      file.save();
    }
    policies.set(arnOf(key), inputs.policy);
    return { id: key.id, state: { ...inputs, keyId: key.id, arn: arnOf(key), region } };
  }

  async function createAlias(request: ResourceRequest): Promise<Created> {
    const alias = optional(request.inputs, "name", "string") ?? `alias/${request.name}`;
    const region = regionOf(request, context);
    const key = find(required(request, "targetKeyId"), region);
    aliases.set(`${region}/${alias}`, key.id);
    const arn = `arn:aws:kms:${region}:${context.accountId}:${alias}`;
    return { id: alias, state: { ...request.inputs, name: alias, arn, targetKeyId: key.id, targetKeyArn: arnOf(key) } };
  }

  return {
    policies,
    resources: {
      "aws:kms/key:Key": createKey,
      "aws:kms/replicaKey:ReplicaKey": createKey,
      "aws:kms/alias:Alias": createAlias,
      "aws:kms/keyPolicy:KeyPolicy": async (request) => {
        policies.set(arnOf(find(required(request, "keyId"), regionOf(request, context))), request.inputs.policy);
        return { id: String(request.inputs.keyId), state: { ...request.inputs } };
      },
    },
    api: {
      name: "kms",
      authorizations(call: ApiCall) {
        const { action, args } = readJsonCall(call);
        if (!Object.hasOwn(actions, action))
          throw refuse("UnknownOperationException", `The local platform does not answer kms:${action}.`);
        const key = args.KeyId === undefined ? decrypt(args).key : find(args.KeyId, call.region);
        return [{ action: `kms:${action}`, resources: [arnOf(key)] }];
      },
      async call(call) {
        try {
          const { action, args } = readJsonCall(call);
          if (context.account?.admit("kmsRequestsPerSecond", call.region, 1) === false)
            throw refuse(
              "ThrottlingException",
              "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            );
          return jsonAnswer(actions[action]!(args, call.region));
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async close() {},
  };
}
