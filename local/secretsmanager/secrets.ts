import { createHash, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { defined } from "../../runtime/domain/defined.ts";
import type { Clock } from "../clock.ts";
import { JsonFile } from "../jsonFile.ts";
import { type LocalContext, ServiceError } from "../service.ts";

/** Secrets with their versions and staging labels, as the actions of Secrets Manager read and change them. */
const MAX_SECRET_BYTES = 65_536;
const CURRENT = "AWSCURRENT";
const PREVIOUS = "AWSPREVIOUS";

interface Version {
  readonly id: string;
  readonly text?: string;
  /** Base64. */
  readonly binary?: string;
  stages: string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

interface Secret {
  readonly name: string;
  readonly region: string;
  /** Six characters that end the ARN, drawn once. */
  readonly suffix: string;
  description?: string;
  kmsKeyId?: string;
  replicas: string[];
  /** Key of each replica, by region. */
  replicaKeys?: Record<string, string>;
  readonly createdAt: number;
  versions: Version[];
  /** Hash of the value that the program declared last. */
  declared?: string;
}

const notFound = (message = "Secrets Manager can't find the specified secret.") =>
  new ServiceError("ResourceNotFoundException", message);
const invalid = (message: string) => new ServiceError("InvalidParameterException", message);

const seconds = (ms: number): number => ms / 1000;

export type Args = Readonly<Record<string, unknown>>;

/** What a program declares of a secret. */
export interface DeclaredSecret {
  readonly description: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly replicas: readonly { readonly region: string; readonly kmsKeyId: string }[];
}

export class Secrets {
  readonly #file: JsonFile<{ secrets: Secret[] }>;
  readonly #clock: Clock;
  readonly #accountId: string;

  constructor(context: LocalContext, clock: Clock) {
    this.#file = new JsonFile<{ secrets: Secret[] }>(join(context.state, "secretsmanager.json"), { secrets: [] });
    this.#clock = clock;
    this.#accountId = context.accountId;
  }

  /** @param region of the primary, or of a replica */
  arnOf(secret: Secret, region = secret.region): string {
    return `arn:aws:secretsmanager:${region}:${this.#accountId}:secret:${secret.name}-${secret.suffix}`;
  }

  /** Customer-managed key of the primary or of a replica; undefined for AWS's own key. */
  keyOf(secret: Secret, region: string): string | undefined {
    return region === secret.region ? secret.kmsKeyId : secret.replicaKeys?.[region];
  }

  /** Creates the secret, or gives the one of this name and region what is declared now. @returns its ARN */
  declare(name: string, region: string, { description, kmsKeyId, replicas }: DeclaredSecret): string {
    const { secrets } = this.#file.value;
    let secret = secrets.find((one) => one.name === name && one.region === region);
    if (secret === undefined) {
      secret = { name, region, suffix: suffix(), replicas: [], createdAt: this.#clock.now(), versions: [] };
      secrets.push(secret);
    }
    if (description !== undefined) secret.description = description;
    if (kmsKeyId !== undefined) secret.kmsKeyId = kmsKeyId;
    secret.replicas = replicas.map((replica) => replica.region);
    secret.replicaKeys = Object.fromEntries(replicas.map((replica) => [replica.region, replica.kmsKeyId]));
    this.#file.save();
    return this.arnOf(secret);
  }

  /**
   * Puts a declared value, unless the secret has one. A program declares it again at each start, and a value that a
   * function has put since then stays, as it does in AWS while the declaration is the same.
   * @param args of PutSecretValue
   */
  declareVersion(args: Args, region: string): { readonly arn: string; readonly id: string; readonly stages: string[] } {
    const secret = this.find(args.SecretId, region);
    const text = String(args.SecretString ?? args.SecretBinary ?? "");
    const declared = createHash("sha256").update(text).digest("hex");
    const changed = secret.declared !== undefined && secret.declared !== declared;
    secret.declared = declared;
    if (changed || !secret.versions.some(({ stages }) => stages.includes(CURRENT))) this.put(args, region);
    const { id, stages } = this.#versionOf(secret, undefined, undefined);
    return { arn: this.arnOf(secret), id, stages };
  }

  /** By name, ARN, or ARN without its six last characters; from the primary's region or a replica's. */
  find(id: unknown, region: string): Secret {
    if (typeof id !== "string") throw invalid("You must provide a value for the SecretId parameter.");
    const found = this.#file.value.secrets.find((secret) => {
      const here = secret.region === region || secret.replicas.includes(region);
      const arn = this.arnOf(secret, region);
      return here && (secret.name === id || arn === id || arn.slice(0, -7) === id);
    });
    if (found === undefined) throw notFound();
    return found;
  }

  #versionOf(secret: Secret, id: unknown, stage: unknown): Version {
    const label = stage ?? (id === undefined ? CURRENT : undefined);
    const version = secret.versions.find(
      (one) => (id === undefined || one.id === id) && (label === undefined || one.stages.includes(String(label))),
    );
    if (version !== undefined) return version;
    const what = label === undefined ? `VersionId: ${String(id)}` : `staging label: ${String(label)}`;
    throw notFound(`Secrets Manager can't find the specified secret value for ${what}`);
  }

  /** GetSecretValue. */
  get(args: Args, region: string) {
    const secret = this.find(args.SecretId, region);
    const version = this.#versionOf(secret, args.VersionId, args.VersionStage);
    return {
      ARN: this.arnOf(secret, region),
      Name: secret.name,
      VersionId: version.id,
      VersionStages: version.stages,
      CreatedDate: seconds(version.createdAt),
      ...defined({ SecretString: version.text, SecretBinary: version.binary }),
    };
  }

  #moveStage(secret: Secret, stage: string, to: Version): void {
    const from = secret.versions.find(({ stages }) => stages.includes(stage));
    if (from === to) return;
    for (const one of secret.versions) one.stages = one.stages.filter((label) => label !== stage);
    to.stages.push(stage);
    if (stage === CURRENT && from !== undefined) this.#moveStage(secret, PREVIOUS, from);
  }

  /** PutSecretValue. */
  put(args: Args, region: string) {
    const secret = this.find(args.SecretId, region);
    if (region !== secret.region)
      throw new ServiceError(
        "InvalidRequestException",
        "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
      );
    const { SecretString: text, SecretBinary: binary } = args as { SecretString?: string; SecretBinary?: string };
    if ((text === undefined) === (binary === undefined))
      throw invalid("You must provide either SecretString or SecretBinary.");
    if (Buffer.byteLength(text ?? Buffer.from(binary!, "base64")) > MAX_SECRET_BYTES)
      throw invalid(`The secret value must have length less than or equal to ${MAX_SECRET_BYTES}.`);
    const id = String(args.ClientRequestToken ?? randomUUID());
    const stages = (args.VersionStages ?? [CURRENT]) as string[];
    let version = secret.versions.find((one) => one.id === id);
    if (version !== undefined && (version.text !== text || version.binary !== binary))
      throw new ServiceError(
        "ResourceExistsException",
        "You can't use ClientRequestToken because that value is already in use for a version of secret with a different value.",
      );
    if (version === undefined) {
      version = {
        id,
        ...defined({ text, binary }),
        stages: [],
        createdAt: this.#clock.now(),
      };
      secret.versions.push(version);
    }
    for (const stage of stages) this.#moveStage(secret, stage, version);
    // A version without a label is deprecated, and may be removed at any time.
    secret.versions = secret.versions.filter((one) => one.stages.length > 0 || one === version);
    this.#file.save();
    return { ARN: this.arnOf(secret), Name: secret.name, VersionId: id, VersionStages: version.stages };
  }

  /** DescribeSecret. */
  describe(args: Args, region: string) {
    const secret = this.find(args.SecretId, region);
    return {
      ARN: this.arnOf(secret, region),
      Name: secret.name,
      ...defined({ Description: secret.description, KmsKeyId: secret.kmsKeyId }),
      CreatedDate: seconds(secret.createdAt),
      PrimaryRegion: secret.region,
      ReplicationStatus: secret.replicas.map((Region) => ({ Region, Status: "InSync" })),
      VersionIdsToStages: Object.fromEntries(secret.versions.map(({ id, stages }) => [id, stages])),
    };
  }

  /** UpdateSecretVersionStage. */
  updateStage(args: Args, region: string) {
    const secret = this.find(args.SecretId, region);
    const stage = String(args.VersionStage);
    const to = secret.versions.find(({ id }) => id === args.MoveToVersionId);
    if (args.MoveToVersionId !== undefined && to === undefined) throw notFound();
    const from = secret.versions.find(({ stages }) => stages.includes(stage));
    if (from !== undefined && from !== to && from.id !== args.RemoveFromVersionId)
      throw invalid(
        `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${from.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    if (to !== undefined) this.#moveStage(secret, stage, to);
    else if (from !== undefined) from.stages = from.stages.filter((label) => label !== stage);
    this.#file.save();
    return { ARN: this.arnOf(secret, region), Name: secret.name };
  }

  /** ListSecretVersionIds. */
  versions(args: Args, region: string) {
    const secret = this.find(args.SecretId, region);
    return {
      ARN: this.arnOf(secret, region),
      Name: secret.name,
      Versions: secret.versions.map(({ id, stages, createdAt }) => ({
        VersionId: id,
        VersionStages: stages,
        CreatedDate: seconds(createdAt),
      })),
    };
  }

  /** BatchGetSecretValue. A secret that can't be read is among the errors of the answer. */
  batch(args: Args, region: string) {
    const SecretValues: unknown[] = [];
    const Errors: unknown[] = [];
    for (const SecretId of (args.SecretIdList ?? []) as string[]) {
      try {
        SecretValues.push(this.get({ SecretId }, region));
      } catch (thrown) {
        if (!(thrown instanceof ServiceError)) throw thrown;
        Errors.push({ SecretId, ErrorCode: thrown.code, Message: thrown.message });
      }
    }
    return { SecretValues, Errors };
  }
}

const suffix = (): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return [...randomBytes(6)].map((byte) => alphabet[byte % alphabet.length]).join("");
};
