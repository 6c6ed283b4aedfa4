import { onlySupports, optional, regionOf, required } from "./declared.ts";
import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import { KeyPolicies } from "./keyPolicy.ts";
import { type Args, Keys, refuse } from "./kms/keys.ts";
import type { ApiCall, Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/**
 * AWS KMS on one machine: symmetric keys and aliases, Encrypt, Decrypt, GenerateDataKey (also without plaintext) and DescribeKey.
 * Policies of keys decide together with the account's (iam.ts).
 */
export interface Kms extends LocalService {
  readonly policies: KeyPolicies;
}

export async function createKms(context: LocalContext): Promise<Kms> {
  const policies = new KeyPolicies(context.accountId);
  const keys = new Keys(context);
  const actions: Readonly<Record<string, (args: Args, region: string) => unknown>> = {
    Encrypt: (args, region) => keys.encrypt(args, region),
    Decrypt: (args, region) => keys.decrypt(args, region),
    GenerateDataKey: (args, region) => keys.dataKey(args, region, true),
    GenerateDataKeyWithoutPlaintext: (args, region) => keys.dataKey(args, region, false),
    DescribeKey: (args, region) => keys.describeKey(args, region),
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
    const key = keys.declare(name, region, {
      primary: optional(inputs, "primaryKeyArn", "string"),
      multiRegion: inputs.multiRegion === true,
    });
    policies.set(keys.arnOf(key), inputs.policy);
    return { id: key.id, state: { ...inputs, keyId: key.id, arn: keys.arnOf(key), region } };
  }

  async function createAlias(request: ResourceRequest): Promise<Created> {
    const alias = optional(request.inputs, "name", "string") ?? `alias/${request.name}`;
    const region = regionOf(request, context);
    const key = keys.find(required(request, "targetKeyId"), region);
    keys.alias(alias, region, key);
    const arn = `arn:aws:kms:${region}:${context.accountId}:${alias}`;
    return {
      id: alias,
      state: { ...request.inputs, name: alias, arn, targetKeyId: key.id, targetKeyArn: keys.arnOf(key) },
    };
  }

  return {
    policies,
    resources: {
      "aws:kms/key:Key": createKey,
      "aws:kms/replicaKey:ReplicaKey": createKey,
      "aws:kms/alias:Alias": createAlias,
      "aws:kms/keyPolicy:KeyPolicy": async (request) => {
        policies.set(
          keys.arnOf(keys.find(required(request, "keyId"), regionOf(request, context))),
          request.inputs.policy,
        );
        return { id: String(request.inputs.keyId), state: { ...request.inputs } };
      },
    },
    api: {
      name: "kms",
      authorizations(call: ApiCall) {
        const { action, args } = readJsonCall(call);
        if (!Object.hasOwn(actions, action)) throw unknownAction("kms", action);
        const key = args.KeyId === undefined ? keys.open(args).key : keys.find(args.KeyId, call.region);
        return [{ action: `kms:${action}`, resources: [keys.arnOf(key)] }];
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
