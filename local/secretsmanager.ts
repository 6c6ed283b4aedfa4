import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { defined } from "../runtime/domain/defined.ts";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import { jsonAnswer, jsonRefusal, readJsonCall } from "./jsonProtocol.ts";
import { keyUse } from "./keyUse.ts";
import {
  type ApiCall,
  type Created,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/** AWS Secrets Manager on one machine: versions with staging labels, replicas that read the primary. Rotation is refused. */
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
}

const known = new Set([
  "GetSecretValue",
  "PutSecretValue",
  "DescribeSecret",
  "ListSecretVersionIds",
  "UpdateSecretVersionStage",
  "BatchGetSecretValue",
]);

const notFound = (message = "Secrets Manager can't find the specified secret.") =>
  new ServiceError("ResourceNotFoundException", message);
const invalid = (message: string) => new ServiceError("InvalidParameterException", message);

const seconds = (ms: number): number => ms / 1000;

export async function createSecretsManager(context: LocalContext, clock: Clock = systemClock): Promise<LocalService> {
  const file = new JsonFile<{ secrets: Secret[] }>(join(context.state, "secretsmanager.json"), { secrets: [] });
  const { secrets } = file.value;
  const arnOf = (secret: Secret, region = secret.region) =>
    `arn:aws:secretsmanager:${region}:${context.accountId}:secret:${secret.name}-${secret.suffix}`;

  const keyOf = (secret: Secret, region: string) =>
    region === secret.region ? secret.kmsKeyId : secret.replicaKeys?.[region];

  /** By name, ARN, or ARN without its six last characters; from the primary's region or a replica's. */
  function find(id: unknown, region: string): Secret {
    if (typeof id !== "string") throw invalid("You must provide a value for the SecretId parameter.");
    const found = secrets.find((secret) => {
      const here = secret.region === region || secret.replicas.includes(region);
      const arn = arnOf(secret, region);
      return here && (secret.name === id || arn === id || arn.slice(0, -7) === id);
    });
    if (found === undefined) throw notFound();
    return found;
  }

  function versionOf(secret: Secret, id: unknown, stage: unknown): Version {
    const label = stage ?? (id === undefined ? CURRENT : undefined);
    const version = secret.versions.find(
      (one) => (id === undefined || one.id === id) && (label === undefined || one.stages.includes(String(label))),
    );
    if (version !== undefined) return version;
    const what = label === undefined ? `VersionId: ${String(id)}` : `staging label: ${String(label)}`;
    throw notFound(`Secrets Manager can't find the specified secret value for ${what}`);
  }

  function get(args: Args, region: string) {
    const secret = find(args.SecretId, region);
    const version = versionOf(secret, args.VersionId, args.VersionStage);
    return {
      ARN: arnOf(secret, region),
      Name: secret.name,
      VersionId: version.id,
      VersionStages: version.stages,
      CreatedDate: seconds(version.createdAt),
      ...defined({ SecretString: version.text, SecretBinary: version.binary }),
    };
  }

  function moveStage(secret: Secret, stage: string, to: Version): void {
    const from = secret.versions.find(({ stages }) => stages.includes(stage));
    if (from === to) return;
    for (const one of secret.versions) one.stages = one.stages.filter((label) => label !== stage);
    to.stages.push(stage);
    if (stage === CURRENT && from !== undefined) moveStage(secret, PREVIOUS, from);
  }

  function put(args: Args, region: string) {
    const secret = find(args.SecretId, region);
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
        createdAt: clock.now(),
      };
      secret.versions.push(version);
    }
    for (const stage of stages) moveStage(secret, stage, version);
    // A version without a label is deprecated, and may be removed at any time.
    secret.versions = secret.versions.filter((one) => one.stages.length > 0 || one === version);
    file.save();
    return { ARN: arnOf(secret), Name: secret.name, VersionId: id, VersionStages: version.stages };
  }

  function describe(args: Args, region: string) {
    const secret = find(args.SecretId, region);
    return {
      ARN: arnOf(secret, region),
      Name: secret.name,
      ...defined({ Description: secret.description, KmsKeyId: secret.kmsKeyId }),
      CreatedDate: seconds(secret.createdAt),
      PrimaryRegion: secret.region,
      ReplicationStatus: secret.replicas.map((Region) => ({ Region, Status: "InSync" })),
      VersionIdsToStages: Object.fromEntries(secret.versions.map(({ id, stages }) => [id, stages])),
    };
  }

  function updateStage(args: Args, region: string) {
    const secret = find(args.SecretId, region);
    const stage = String(args.VersionStage);
    const to = secret.versions.find(({ id }) => id === args.MoveToVersionId);
    if (args.MoveToVersionId !== undefined && to === undefined) throw notFound();
    const from = secret.versions.find(({ stages }) => stages.includes(stage));
    if (from !== undefined && from !== to && from.id !== args.RemoveFromVersionId)
      throw invalid(
        `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${from.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    if (to !== undefined) moveStage(secret, stage, to);
    else if (from !== undefined) from.stages = from.stages.filter((label) => label !== stage);
    file.save();
    return { ARN: arnOf(secret, region), Name: secret.name };
  }

  function versions(args: Args, region: string) {
    const secret = find(args.SecretId, region);
    return {
      ARN: arnOf(secret, region),
      Name: secret.name,
      Versions: secret.versions.map(({ id, stages, createdAt }) => ({
        VersionId: id,
        VersionStages: stages,
        CreatedDate: seconds(createdAt),
      })),
    };
  }

  function batch(args: Args, region: string) {
    const SecretValues: unknown[] = [];
    const Errors: unknown[] = [];
    for (const SecretId of (args.SecretIdList ?? []) as string[]) {
      try {
        SecretValues.push(get({ SecretId }, region));
      } catch (thrown) {
        if (!(thrown instanceof ServiceError)) throw thrown;
        Errors.push({ SecretId, ErrorCode: thrown.code, Message: thrown.message });
      }
    }
    return { SecretValues, Errors };
  }

  const actions: Readonly<Record<string, (args: Args, region: string) => unknown>> = {
    GetSecretValue: get,
    PutSecretValue: put,
    DescribeSecret: describe,
    ListSecretVersionIds: versions,
    UpdateSecretVersionStage: updateStage,
    BatchGetSecretValue: batch,
  };

  async function createSecret(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(
      request,
      "name namePrefix description kmsKeyId policy recoveryWindowInDays replicas forceOverwriteReplicaSecret",
    );
    const region = regionOf(request, context);
    const name = physicalName(request);
    let secret = secrets.find((one) => one.name === name && one.region === region);
    if (secret === undefined) {
      secret = { name, region, suffix: suffix(), replicas: [], createdAt: clock.now(), versions: [] };
      secrets.push(secret);
    }
    const description = optional(inputs, "description", "string");
    const kmsKeyId = optional(inputs, "kmsKeyId", "string");
    if (description !== undefined) secret.description = description;
    if (kmsKeyId !== undefined) secret.kmsKeyId = kmsKeyId;
    secret.replicas = list(inputs.replicas).map((replica) => String(replica.region));
    secret.replicaKeys = Object.fromEntries(
      list(inputs.replicas).map((replica) => [String(replica.region), String(replica.kmsKeyId ?? "")]),
    );
    file.save();
    const arn = arnOf(secret);
    return { id: arn, state: { ...inputs, name, arn, region } };
  }

  async function createVersion(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(request, "secretId secretString secretBinary versionStages");
    const secretId = required(request, "secretId");
    const region = regionOf(request, context);
    const secret = find(secretId, region);
    const text = optional(inputs, "secretString", "string");
    const binary = optional(inputs, "secretBinary", "string");
    const current = secret.versions.find(({ stages }) => stages.includes(CURRENT));
    // Declared again at each start, and a value that functions have put meanwhile stays: as when the declaration doesn't change.
    if (current === undefined)
      put(
        { SecretId: secretId, SecretString: text, SecretBinary: binary, VersionStages: inputs.versionStages },
        region,
      );
    const version = versionOf(secret, undefined, undefined);
    return {
      id: `${arnOf(secret)}|${version.id}`,
      state: { ...inputs, arn: arnOf(secret), versionId: version.id, versionStages: version.stages },
    };
  }

  const policy = async ({ inputs }: ResourceRequest): Promise<Created> => ({
    id: String(inputs.secretArn),
    state: { ...inputs },
  });

  return {
    resources: {
      "aws:secretsmanager/secret:Secret": createSecret,
      "aws:secretsmanager/secretVersion:SecretVersion": createVersion,
      "aws:secretsmanager/secretPolicy:SecretPolicy": policy,
    },
    api: {
      name: "secretsmanager",
      authorizations(call: ApiCall) {
        const { action, args } = readJsonCall(call);
        if (!known.has(action))
          throw new ServiceError(
            "UnknownOperationException",
            `The local platform does not answer secretsmanager:${action}.`,
          );
        if (action === "BatchGetSecretValue") {
          const ids = (args.SecretIdList ?? []) as string[];
          return [
            { action: "secretsmanager:BatchGetSecretValue", resources: ["*"] },
            ...ids.map((id) => ({
              action: "secretsmanager:GetSecretValue",
              resources: [arnOf(find(id, call.region), call.region)],
            })),
          ];
        }
        const secret = find(args.SecretId, call.region);
        const use = action === "GetSecretValue" ? "read" : action === "PutSecretValue" ? "write" : undefined;
        return [
          { action: `secretsmanager:${action}`, resources: [arnOf(secret, call.region)] },
          ...(use === undefined ? [] : keyUse(keyOf(secret, call.region), use, "secretsmanager", call.region)),
        ];
      },
      async call(call) {
        try {
          const { action, args } = readJsonCall(call);
          return jsonAnswer(actions[action]!(args, call.region));
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async close() {},
  };
}

type Args = Readonly<Record<string, unknown>>;

const suffix = (): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return [...randomBytes(6)].map((byte) => alphabet[byte % alphabet.length]).join("");
};
