import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import { keyUse } from "./keyUse.ts";
import { type Args, Secrets } from "./secretsmanager/secrets.ts";
import type { ApiCall, Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/** AWS Secrets Manager on one machine: versions with staging labels, replicas that read the primary. Rotation is refused. */
export async function createSecretsManager(context: LocalContext, clock: Clock = systemClock): Promise<LocalService> {
  const secrets = new Secrets(context, clock);
  const actions: Readonly<Record<string, (args: Args, region: string) => unknown>> = {
    GetSecretValue: (args, region) => secrets.get(args, region),
    PutSecretValue: (args, region) => secrets.put(args, region),
    DescribeSecret: (args, region) => secrets.describe(args, region),
    ListSecretVersionIds: (args, region) => secrets.versions(args, region),
    UpdateSecretVersionStage: (args, region) => secrets.updateStage(args, region),
    BatchGetSecretValue: (args, region) => secrets.batch(args, region),
  };

  async function createSecret(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(
      request,
      "name namePrefix description kmsKeyId policy recoveryWindowInDays replicas forceOverwriteReplicaSecret",
    );
    const region = regionOf(request, context);
    const name = physicalName(request);
    const arn = secrets.declare(name, region, {
      description: optional(inputs, "description", "string"),
      kmsKeyId: optional(inputs, "kmsKeyId", "string"),
      replicas: list(inputs.replicas).map((replica) => ({
        region: String(replica.region),
        kmsKeyId: String(replica.kmsKeyId ?? ""),
      })),
    });
    return { id: arn, state: { ...inputs, name, arn, region } };
  }

  async function createVersion(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(request, "secretId secretString secretBinary versionStages");
    const { arn, id, stages } = secrets.declareVersion(
      {
        SecretId: required(request, "secretId"),
        SecretString: optional(inputs, "secretString", "string"),
        SecretBinary: optional(inputs, "secretBinary", "string"),
        VersionStages: inputs.versionStages,
      },
      regionOf(request, context),
    );
    return { id: `${arn}|${id}`, state: { ...inputs, arn, versionId: id, versionStages: stages } };
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
        if (!Object.hasOwn(actions, action)) throw unknownAction("secretsmanager", action);
        if (action === "BatchGetSecretValue") {
          const ids = (args.SecretIdList ?? []) as string[];
          return [
            { action: "secretsmanager:BatchGetSecretValue", resources: ["*"] },
            ...ids.map((id) => ({
              action: "secretsmanager:GetSecretValue",
              resources: [secrets.arnOf(secrets.find(id, call.region), call.region)],
            })),
          ];
        }
        const secret = secrets.find(args.SecretId, call.region);
        const use = action === "GetSecretValue" ? "read" : action === "PutSecretValue" ? "write" : undefined;
        return [
          { action: `secretsmanager:${action}`, resources: [secrets.arnOf(secret, call.region)] },
          ...(use === undefined ? [] : keyUse(secrets.keyOf(secret, call.region), use, "secretsmanager", call.region)),
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
