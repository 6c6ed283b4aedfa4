/**
 * CloudWatch Logs on one machine: the program's log groups, and of what functions log the fact that they do. The lines themselves lie in
 * `logs/<function>.log` in the state. What was changed by hand stays until the next start.
 */
import { statSync } from "node:fs";
import { defined } from "../runtime/domain/defined.ts";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import type { Lambda } from "./lambda.ts";
import { type Created, type LocalContext, type LocalService, type ResourceRequest, ServiceError } from "./service.ts";

interface Group {
  readonly name: string;
  readonly region: string;
  readonly arn: string;
  retentionInDays: number | undefined;
  kmsKeyId: string | undefined;
}

type Args = Readonly<Record<string, unknown>>;

/** Days that a group may keep its lines. Source: PutRetentionPolicy in the API reference; 0 in the program means for ever. */
const RETENTIONS = new Set([
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

export function createLogs(context: LocalContext, written: Lambda["logs"]): LocalService {
  const groups = new Map<string, Group>();

  async function createGroup(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "name namePrefix retentionInDays kmsKeyId skipDestroy logGroupClass");
    const { inputs } = request;
    const name = physicalName(request);
    const region = regionOf(request, context);
    const retentionInDays = retentionOf(optional(inputs, "retentionInDays", "number"));
    const arn = `arn:aws:logs:${region}:${context.accountId}:log-group:${name}`;
    groups.set(`${region} ${name}`, {
      name,
      region,
      arn,
      retentionInDays,
      kmsKeyId: optional(inputs, "kmsKeyId", "string"),
    });
    return { id: name, state: { ...inputs, name, arn, region } };
  }

  /** @throws ServiceError when there is no such group */
  function find({ logGroupName }: Args, region: string): Group {
    const group = groups.get(`${region} ${String(logGroupName)}`);
    if (group === undefined)
      throw new ServiceError("ResourceNotFoundException", "The specified log group does not exist.");
    return group;
  }

  /** What a function writes goes to one file, which stands for its streams; Lambda adds lines of its own about each run. */
  function streams(group: Group): unknown[] {
    const { path, ranAt } = written().get(group.name) ?? {};
    const file = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    const at = Math.floor(Math.max(file?.mtimeMs ?? 0, ranAt ?? 0));
    if (at === 0) return [];
    return [
      {
        logStreamName: "local",
        arn: `${group.arn}:log-stream:local`,
        lastEventTimestamp: at,
        lastIngestionTime: at,
        storedBytes: 0,
      },
    ];
  }

  const answers = new Map<string, (args: Args, region: string) => unknown>([
    [
      "DescribeLogGroups",
      ({ logGroupNamePrefix = "" }, region) => ({
        logGroups: [...groups.values()]
          .filter((group) => group.region === region && group.name.startsWith(String(logGroupNamePrefix)))
          .map(({ name, arn, retentionInDays, kmsKeyId }) => ({
            logGroupName: name,
            arn: `${arn}:*`,
            logGroupArn: arn,
            logGroupClass: "STANDARD",
            ...defined({ retentionInDays, kmsKeyId }),
          })),
      }),
    ],
    ["DescribeLogStreams", (args, region) => ({ logStreams: streams(find(args, region)) })],
    [
      "PutRetentionPolicy",
      (args, region) => {
        find(args, region).retentionInDays = retentionOf(Number(args.retentionInDays));
      },
    ],
    [
      "DisassociateKmsKey",
      (args, region) => {
        find(args, region).kmsKeyId = undefined;
      },
    ],
    [
      "DeleteLogGroup",
      (args, region) => {
        const { name } = find(args, region);
        groups.delete(`${region} ${name}`);
      },
    ],
  ]);

  return {
    resources: { "aws:cloudwatch/logGroup:LogGroup": createGroup },
    api: {
      name: "logs",
      authorizations(call) {
        const { action, args } = readJsonCall(call);
        if (!answers.has(action)) throw unknownAction("logs", action);
        const group = args.logGroupName ?? args.logGroupNamePrefix ?? "*";
        return [
          {
            action: `logs:${action}`,
            resources: [`arn:aws:logs:${call.region}:${context.accountId}:log-group:${String(group)}:*`],
          },
        ];
      },
      async call(call) {
        const { action, args } = readJsonCall(call);
        try {
          return jsonAnswer(answers.get(action)!(args, call.region) ?? {});
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async close() {},
  };
}

/** @throws ServiceError for a number of days that CloudWatch Logs doesn't offer */
function retentionOf(days: number | undefined): number | undefined {
  if (days !== undefined && !RETENTIONS.has(days))
    throw new ServiceError("InvalidParameterException", `A log group can't keep its lines for ${days} days.`);
  return days === 0 ? undefined : days;
}
