/** Service Quotas on one machine: what an ordinary account may do, of the quotas below. */
import { ACCOUNT_QUOTAS } from "./account.ts";
import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import { type LocalContext, type LocalService, ServiceError } from "./service.ts";

interface Quota {
  readonly service: string;
  readonly code: string;
  readonly name: string;
  readonly value: number;
}

/** Defaults of AWS. Sources: "Lambda quotas"; "Service, account, and table quotas in Amazon DynamoDB". */
const QUOTAS: readonly Quota[] = [
  { service: "lambda", code: "L-B99A9384", name: "Concurrent executions", value: ACCOUNT_QUOTAS.lambdaConcurrency },
  {
    service: "dynamodb",
    code: "L-AB614373",
    name: "Table-level write throughput limit",
    value: ACCOUNT_QUOTAS.tableWriteUnits,
  },
  { service: "dynamodb", code: "L-CF0CBE56", name: "Table-level read throughput limit", value: 40_000 },
];

export interface ServiceQuotas extends LocalService {
  /** What the account may do, by the code of the quota. @throws Error for an unknown code */
  value(code: string): number;
}

export function createServiceQuotas(context: LocalContext): ServiceQuotas {
  const share = context.account?.share ?? 1;
  /** Raised by hand, until the next start. */
  const raised = new Map<string, number>();

  const amount = ({ code, value }: Quota): number => raised.get(code) ?? Math.max(1, Math.floor(value * share));

  function find(args: Readonly<Record<string, unknown>>): Quota {
    const quota = QUOTAS.find(({ service, code }) => service === args.ServiceCode && code === args.QuotaCode);
    if (quota === undefined)
      throw new ServiceError(
        "NoSuchResourceException",
        "The request failed because the specified quota does not exist.",
      );
    return quota;
  }

  const described = (quota: Quota, region: string) => ({
    ServiceCode: quota.service,
    QuotaCode: quota.code,
    QuotaName: quota.name,
    QuotaArn: `arn:aws:servicequotas:${region}:${context.accountId}:${quota.service}/${quota.code}`,
    Value: amount(quota),
    Adjustable: true,
    GlobalQuota: false,
  });

  const answers = new Map<string, (args: Readonly<Record<string, unknown>>, region: string) => unknown>([
    ["GetServiceQuota", (args, region) => ({ Quota: described(find(args), region) })],
    [
      "RequestServiceQuotaIncrease",
      (args, region) => {
        const quota = find(args);
        const wanted = Number(args.DesiredValue);
        if (!(wanted > amount(quota)))
          throw new ServiceError("IllegalArgumentException", "The desired value must be greater than the current one.");
        // There takes a person a day to look at it.
        raised.set(quota.code, wanted);
        return {
          RequestedQuota: { ...described(quota, region), Id: "local", DesiredValue: wanted, Status: "APPROVED" },
        };
      },
    ],
  ]);

  return {
    value(code) {
      const quota = QUOTAS.find((each) => each.code === code);
      if (quota === undefined) throw new Error(`there is no quota ${code}`);
      return amount(quota);
    },
    resources: {},
    api: {
      name: "servicequotas",
      authorizations(call) {
        const { action } = readJsonCall(call);
        if (!answers.has(action)) throw unknownAction("servicequotas", action);
        return [{ action: `servicequotas:${action}`, resources: ["*"] }];
      },
      async call(call) {
        const { action, args } = readJsonCall(call);
        try {
          return jsonAnswer(answers.get(action)!(args, call.region));
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async close() {},
  };
}
