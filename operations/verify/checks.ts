/**
 * The checks of `npm run verify`, read-only all of them. Each goes through the resources of the stack and asks the real service what
 * became of them.
 */
import { CloudFrontClient, GetDistributionCommand } from "@aws-sdk/client-cloudfront";
import { CloudWatchClient, GetMetricDataCommand, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { DescribeDBProxyTargetsCommand, RDSClient } from "@aws-sdk/client-rds";
import { GetBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { raised } from "../../loadtest/capacity/quotas.ts";
import { DAY_MS, HOUR_MS } from "../../runtime/domain/time.ts";
import { type Deployment, type Resource, regionOf, text } from "./deployment.ts";
import { type Finding, ok, refusal, wait, wrong } from "./finding.ts";

export interface World {
  readonly deployment: Deployment;
  /** The load that the account is checked against. */
  readonly load: { readonly eventsPerSecond: number; readonly eventsPerRequest: number; readonly eventBytes: number };
  now(): number;
}

export type Check = (world: World) => Promise<readonly Finding[]>;

const short = (arnOrName: string): string =>
  arnOrName.slice(Math.max(arnOrName.lastIndexOf("/"), arnOrName.lastIndexOf(":")) + 1);

const all = ({ deployment }: World, type: string): readonly Resource[] =>
  deployment.resources.filter((resource) => resource.type === type);

/** A client of each region, made once. */
function clientOf<T>(
  world: World,
  make: new (options: { region: string } & Deployment["client"]) => T,
): (region: string) => T {
  const made = new Map<string, T>();
  return (region) => {
    const client = made.get(region) ?? new make({ ...world.deployment.client, region });
    made.set(region, client);
    return client;
  };
}

/** One finding a resource; what AWS refuses to tell is a finding, too, and one for all resources that it is the same for. */
async function each(
  resources: readonly Resource[],
  ask: (resource: Resource) => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  const refused = new Map<string, string[]>();
  const found = await Promise.all(
    resources.map(async (resource) => {
      try {
        return await ask(resource);
      } catch (thrown) {
        const text = refusal(thrown);
        refused.set(text, [...(refused.get(text) ?? []), resource.name]);
        return [];
      }
    }),
  );
  const refusals = [...refused].map(([text, [first, ...more]]) =>
    wrong(
      `${first}${more.length === 0 ? "" : ` and ${more.length} more`}: ${text}`,
      "Check the credentials of this shell and whether the resource is still there; `pulumi refresh` shows what was changed by hand.",
    ),
  );
  return [...found.flat(), ...refusals];
}

/** Every target of the database proxy serves. */
export const proxies: Check = async (world) => {
  const rds = clientOf(world, RDSClient);
  return await each(all(world, "aws:rds/proxy:Proxy"), async (proxy) => {
    const name = text(proxy, "name");
    const { Targets = [] } = await rds(regionOf(proxy)).send(new DescribeDBProxyTargetsCommand({ DBProxyName: name }));
    if (Targets.length === 0)
      return wrong(`proxy ${name} has no target`, "The database was not registered: run `pulumi up` again.");
    return Targets.map(({ TargetHealth, RdsResourceId = "" }) => {
      const { State = "UNKNOWN", Reason = "", Description = "" } = TargetHealth ?? {};
      if (State === "AVAILABLE") return ok(`proxy ${name}: ${RdsResourceId} is available`);
      if (State === "REGISTERING" || Reason === "PENDING_PROXY_CAPACITY")
        return wait(
          `proxy ${name}: ${RdsResourceId} is ${State.toLowerCase()}`,
          "A new proxy takes up to 15 minutes: run this again then.",
        );
      return wrong(
        `proxy ${name}: ${RdsResourceId} is ${State} (${Reason}): ${Description}`,
        Reason === "AUTH_FAILURE"
          ? "PostgreSQL refuses the proxy's password: docs/runbooks/database.md, and docs/restore.md after a restore."
          : "docs/runbooks/database.md",
      );
    });
  });
};

/** Every schedule is enabled, and what it starts was started without a refusal. */
export const schedules: Check = async (world) => {
  const scheduler = clientOf(world, SchedulerClient);
  const metrics = metricsOf(world);
  return await each(all(world, "aws:scheduler/schedule:Schedule"), async (schedule) => {
    const name = text(schedule, "name");
    const GroupName = typeof schedule.outputs.groupName === "string" ? schedule.outputs.groupName : "default";
    const region = regionOf(schedule);
    const found = await scheduler(region).send(new GetScheduleCommand({ Name: name, GroupName }));
    if (found.State !== "ENABLED")
      return wrong(`schedule ${name} is ${found.State}`, "Run `pulumi up`: it enables the schedule again.");
    const FunctionName = found.Target?.Arn?.split(":")[6] ?? "";
    const { everyMs, words } = everyOf(found.ScheduleExpression ?? "");
    const since = 2 * everyMs + 5 * 60_000;
    const ofGroup = { region, namespace: "AWS/Scheduler", dimensions: { ScheduleGroup: GroupName }, ms: since };
    const [runs, refused, dropped] = await Promise.all([
      invocations(metrics, region, FunctionName, since),
      metrics({ ...ofGroup, name: "TargetErrorCount" }),
      metrics({ ...ofGroup, name: "InvocationDroppedCount" }),
    ]);
    if (runs > 0) return ok(`schedule ${name} has started ${FunctionName} (${words})`);
    if (refused + dropped > 0)
      return wrong(
        `schedule ${name} could not start ${FunctionName}: ${refused} refused, ${dropped} dropped`,
        "The schedule's role lacks a right: kms:Decrypt on the schedule's key or lambda:InvokeFunction. See the dead-letter queue of the schedule for the message.",
      );
    return wait(
      `schedule ${name} (${words}) has not started ${FunctionName} yet`,
      `Run this again once its time has come; if it stays so, look at AWS/Scheduler InvocationAttemptCount.`,
    );
  });
};

const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: HOUR_MS, day: 24 * HOUR_MS };

function everyOf(expression: string): { readonly everyMs: number; readonly words: string } {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit === undefined) return { everyMs: 24 * HOUR_MS, words: expression };
  return {
    everyMs: Number(count) * UNITS[unit]!,
    words: `every ${count === "1" ? "" : `${count} `}${unit}${count === "1" ? "" : "s"}`,
  };
}

/** A metric, of a region, over its last milliseconds. */
interface Asked {
  readonly region: string;
  /** @example "AWS/Lambda" */
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly ms: number;
  /** @default Sum */
  readonly statistic?: "Sum" | "Minimum";
}

/** Asks CloudWatch for the value of a metric; 0 where nothing was published. */
function metricsOf(world: World) {
  const cloudwatch = clientOf(world, CloudWatchClient);
  return async ({ region, namespace, name, dimensions, ms, statistic = "Sum" }: Asked): Promise<number> => {
    const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
    const { MetricDataResults = [] } = await cloudwatch(region).send(
      new GetMetricDataCommand({
        StartTime: new Date(world.now() - ms),
        EndTime: new Date(world.now() + 60_000),
        MetricDataQueries: [
          {
            Id: "m",
            MetricStat: {
              Metric: { Namespace: namespace, MetricName: name, Dimensions },
              Period: 60,
              Stat: statistic,
            },
          },
        ],
      }),
    );
    const values = MetricDataResults[0]?.Values ?? [];
    if (statistic === "Minimum") return values.length === 0 ? 0 : Math.min(...values);
    return values.reduce((sum, value) => sum + value, 0);
  };
}

/** How often a function ran in the last milliseconds. */
const invocations = (metrics: ReturnType<typeof metricsOf>, region: string, FunctionName: string, ms: number) =>
  metrics({ region, namespace: "AWS/Lambda", name: "Invocations", dimensions: { FunctionName }, ms });

/** Every log group keeps what the program says, under the key that it says, and functions that ran have written to theirs. */
export const logGroups: Check = async (world) => {
  const logs = clientOf(world, CloudWatchLogsClient);
  const metrics = metricsOf(world);
  return await each(all(world, "aws:cloudwatch/logGroup:LogGroup"), async (group) => {
    const name = text(group, "name");
    const region = regionOf(group);
    const { logGroups = [] } = await logs(region).send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }));
    const found = logGroups.find(({ logGroupName }) => logGroupName === name);
    if (found === undefined) return wrong(`log group ${name} is not there`, "Run `pulumi up`.");
    const { kmsKeyId, retentionInDays } = group.outputs;
    if (typeof kmsKeyId === "string" && kmsKeyId !== "" && found.kmsKeyId !== kmsKeyId)
      return wrong(
        `log group ${name} is not encrypted by its key`,
        "Run `pulumi up`; somebody has taken the key away.",
      );
    if (typeof retentionInDays === "number" && retentionInDays > 0 && found.retentionInDays !== retentionInDays)
      return wrong(
        `log group ${name} keeps ${found.retentionInDays ?? "for ever"} instead of ${retentionInDays} days`,
        "Run `pulumi up`.",
      );
    const writer = all(world, "aws:lambda/function:Function").find(
      ({ outputs }) => (outputs.loggingConfig as { logGroup?: string } | undefined)?.logGroup === name,
    );
    const FunctionName = writer === undefined ? undefined : text(writer, "name");
    if (FunctionName === undefined) return ok(`log group ${name} is as declared`);
    const runs = await invocations(metrics, region, FunctionName, HOUR_MS);
    if (runs === 0) return ok(`log group ${name} is as declared; ${FunctionName} has not run in the last hour`);
    const { logStreams = [] } = await logs(region).send(
      new DescribeLogStreamsCommand({ logGroupName: name, orderBy: "LastEventTime", descending: true, limit: 1 }),
    );
    // Lambda's own START and REPORT lines are written for each run, so a function that ran has fed its group.
    const last = logStreams[0]?.lastIngestionTime ?? logStreams[0]?.lastEventTimestamp;
    if (last === undefined)
      return wrong(
        `log group ${name} is empty, though ${FunctionName} ran ${runs} times in the last hour`,
        "The function's role may not write to it: logs:PutLogEvents, and the rights on the group's key.",
      );
    return ok(`log group ${name} was fed ${ago(world.now() - last)}`);
  });
};

const ago = (ms: number): string =>
  ms < 120_000
    ? `${Math.max(0, Math.round(ms / 1_000))} s ago`
    : ms < 2 * HOUR_MS
      ? `${Math.round(ms / 60_000)} min ago`
      : `${Math.round(ms / HOUR_MS)} h ago`;

/** Every statement of a bucket's policy that the program declares stands in the bucket's policy. */
export const bucketPolicies: Check = async (world) => {
  const s3 = clientOf(world, S3Client);
  return await each(all(world, "aws:s3/bucketPolicy:BucketPolicy"), async (declared) => {
    const Bucket = text(declared, "bucket");
    const { Policy } = await s3(regionOf(declared)).send(new GetBucketPolicyCommand({ Bucket }));
    const wanted = statementsOf(text(declared, "policy"));
    const standing = statementsOf(Policy ?? "{}");
    const missing = [...wanted].filter(([statement]) => !standing.has(statement));
    const added = [...standing].filter(([statement]) => !wanted.has(statement));
    if (missing.length > 0)
      return wrong(
        `bucket ${Bucket}: its policy lacks ${missing.map(([, sid]) => sid).join(", ")}`,
        "A service or a person has written another policy: `pulumi refresh` shows it, `pulumi up` puts ours back.",
      );
    if (added.length > 0)
      return wrong(
        `bucket ${Bucket}: somebody has added ${added.map(([, sid]) => sid).join(", ")} to its policy`,
        "Take the statement out, or declare it in the program.",
      );
    return ok(`bucket ${Bucket}: policy as declared (${wanted.size} statements)`);
  });
};

/** Statements by a text that does not depend on the order of members and of lists, with the name to show. */
function statementsOf(policy: string): ReadonlyMap<string, string> {
  const { Statement = [] } = JSON.parse(policy) as { Statement?: readonly Readonly<Record<string, unknown>>[] };
  return new Map(
    Statement.map((statement, at) => [
      JSON.stringify(ordered(statement)),
      String(statement.Sid ?? `statement ${at + 1}`),
    ]),
  );
}

function ordered(value: unknown): unknown {
  // A list of one and the thing itself mean the same in a policy.
  if (Array.isArray(value))
    return value.length === 1
      ? ordered(value[0])
      : value
          .map(ordered)
          .map((one) => JSON.stringify(one))
          .sort();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, ordered(member)]),
  );
}

/** The lowest TLS that the distribution speaks is the one declared. CloudFront sets TLSv1 where it has no certificate of ours. */
export const tls: Check = async (world) => {
  const cloudfront = clientOf(world, CloudFrontClient);
  return await each(all(world, "aws:cloudfront/distribution:Distribution"), async (declared) => {
    const { Distribution } = await cloudfront("us-east-1").send(new GetDistributionCommand({ Id: declared.id }));
    const certificate = Distribution?.DistributionConfig?.ViewerCertificate;
    const standing = certificate?.MinimumProtocolVersion ?? "TLSv1";
    const promised =
      (declared.outputs.viewerCertificate as { minimumProtocolVersion?: string } | undefined)?.minimumProtocolVersion ??
      "TLSv1";
    const domain = Distribution?.DomainName ?? declared.id;
    if (standing !== promised)
      return wrong(
        `${domain} speaks ${standing} and later, the program says ${promised}`,
        certificate?.CloudFrontDefaultCertificate === true
          ? "With CloudFront's own certificate TLS 1.0 can't be refused: set triggers:domainName to a name of yours."
          : "Run `pulumi up`.",
      );
    if (certificate?.CloudFrontDefaultCertificate === true)
      return ok(`${domain} speaks TLS 1.0 and later, as declared: only a domain of your own can refuse it`);
    return ok(`${domain} speaks ${standing} and later`);
  });
};

/** Mails may leave: DNS proves their domain, and the account may send to everybody. */
export const mail: Check = async (world) => {
  const ses = clientOf(world, SESv2Client);
  const identities = all(world, "aws:sesv2/emailIdentity:EmailIdentity");
  const domains = await each(identities, async (identity) => {
    const EmailIdentity = text(identity, "emailIdentity");
    const region = regionOf(identity);
    const found = await ses(region).send(new GetEmailIdentityCommand({ EmailIdentity }));
    const { Status = "NOT_STARTED", Tokens = [], SigningEnabled } = found.DkimAttributes ?? {};
    if (found.VerifiedForSendingStatus === true && Status === "SUCCESS" && SigningEnabled === true)
      return ok(`${region}: mails from ${EmailIdentity} are signed`);
    const records = Tokens.map((token) => `${token}._domainkey.${EmailIdentity} CNAME ${token}.dkim.amazonses.com`);
    const says = `${region}: mails from ${EmailIdentity} can't be sent: its DKIM is ${Status}`;
    return Status === "PENDING" || Status === "NOT_STARTED"
      ? wait(says, `Its DNS has to hold ${records.join(", ")}. SES looks for them for three days.`)
      : wrong(says, `Its DNS has to hold ${records.join(", ")}: docs/deploy.md, "Mail and SMS".`);
  });
  const ofRegions = [...Map.groupBy(identities, regionOf).values()].map(([first]) => first!);
  const accounts = await each(ofRegions, async (any) => {
    const region = regionOf(any);
    const { ProductionAccessEnabled, SendingEnabled, EnforcementStatus, SendQuota } = await ses(region).send(
      new GetAccountCommand(),
    );
    if (SendingEnabled !== true || EnforcementStatus === "SHUTDOWN")
      return wrong(
        `${region}: SES has stopped the account's mails (${EnforcementStatus})`,
        "Too many of them bounced or were complained about: SES says in its console what it wants done.",
      );
    if (ProductionAccessEnabled !== true)
      return wrong(
        `${region}: SES is in its sandbox: mails reach verified addresses alone`,
        'Ask for production access: docs/deploy.md, "Mail and SMS".',
      );
    return ok(`${region}: SES sends ${SendQuota?.Max24HourSend} mails a day, ${SendQuota?.MaxSendRate} a second`);
  });
  return [...domains, ...accounts];
};

/** Service quotas that the load meets, by what the capacity model needs. The codes are those of the Service Quotas console. */
const QUOTAS = [
  { service: "lambda", code: "L-B99A9384", what: "concurrent executions of Lambda", needs: "lambdaConcurrency" },
  { service: "dynamodb", code: "L-AB614373", what: "write units a second of a table", needs: "tableWriteUnits" },
] as const;

/** The account's quotas carry the load that the platform is meant for. */
export const quotas: Check = async (world) => {
  const client = clientOf(world, ServiceQuotasClient);
  const metrics = metricsOf(world);
  const { eventsPerSecond, eventsPerRequest, eventBytes } = world.load;
  const needed = raised(eventsPerSecond, eventsPerRequest, eventBytes);
  const functions = all(world, "aws:lambda/function:Function");
  const regions = [...new Set(functions.map(regionOf))].map(
    (region) => functions.find((each) => regionOf(each) === region)!,
  );
  const load = `${eventsPerSecond} events/s`;
  const accounts = await each(regions, async (any) => {
    const region = regionOf(any);
    return await Promise.all(
      QUOTAS.map(async ({ service, code, what, needs }) => {
        const need = Math.ceil(needed[needs]);
        const { Quota } = await client(region).send(
          new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code }),
        );
        const have = Quota?.Value ?? 0;
        const says = `${region}: ${have} ${what}; ${load} need ${need}`;
        return have >= need
          ? ok(says)
          : wrong(
              says,
              `aws service-quotas request-service-quota-increase --region ${region} --service-code ${service} --quota-code ${code} --desired-value ${need}`,
            );
      }),
    );
  });
  // Firehose has no quota code for it: the stream publishes what it may take.
  const streams = await each(
    all(world, "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"),
    async (stream) => {
      const DeliveryStreamName = text(stream, "name");
      const region = regionOf(stream);
      const have = await metrics({
        region,
        namespace: "AWS/Firehose",
        name: "BytesPerSecondLimit",
        dimensions: { DeliveryStreamName },
        ms: DAY_MS,
        statistic: "Minimum",
      });
      const need = needed.firehoseBytesPerSecond;
      const says = `${region}: stream ${DeliveryStreamName} takes ${mebibytes(have)}; ${load} need ${mebibytes(need)}`;
      if (have === 0)
        return wait(
          `${region}: stream ${DeliveryStreamName} has not said yet how much it takes`,
          "It says so once events come in: run this again then.",
        );
      return have >= need
        ? ok(says)
        : wrong(says, "Ask AWS for more by the Firehose limits form, before the load comes; docs/capacity.md.");
    },
  );
  return [...accounts, ...streams];
};

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB/s`;

/** No alarm rings. One that is younger than the time it looks at is not judged. */
export const alarms: Check = async (world) => {
  const cloudwatch = clientOf(world, CloudWatchClient);
  const declared = [
    ...all(world, "aws:cloudwatch/metricAlarm:MetricAlarm"),
    ...all(world, "aws:cloudwatch/compositeAlarm:CompositeAlarm"),
  ];
  const findings: Finding[] = [];
  for (const [region, resources] of Map.groupBy(declared, regionOf)) {
    const names = new Set(resources.map(({ outputs, id }) => String(outputs.name ?? outputs.alarmName ?? id)));
    const seen = new Set<string>();
    const ringing: Finding[] = [];
    for await (const page of paginateDescribeAlarms(
      { client: cloudwatch(region) },
      { AlarmTypes: ["MetricAlarm", "CompositeAlarm"] },
    )) {
      for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
        const { AlarmName = "", StateValue, AlarmDescription = "", StateReason = "" } = alarm;
        if (!names.has(AlarmName)) continue;
        seen.add(AlarmName);
        if (StateValue !== "ALARM") continue;
        const age = world.now() - (alarm.AlarmConfigurationUpdatedTimestamp?.getTime() ?? 0);
        const looksAt =
          "EvaluationPeriods" in alarm ? (alarm.EvaluationPeriods ?? 1) * (periodOf(alarm) ?? 60) * 1_000 : 0;
        ringing.push(
          age < looksAt
            ? wait(
                `alarm ${AlarmName} rings, and is younger than the time it looks at`,
                `Run this again in ${Math.ceil((looksAt - age) / 60_000)} minutes.`,
              )
            : wrong(
                `alarm ${AlarmName} rings: ${AlarmDescription}`,
                StateReason || "Follow the runbook that it names.",
              ),
        );
      }
    }
    const gone = [...names].filter((name) => !seen.has(name));
    for (const name of gone) findings.push(wrong(`alarm ${name} is not there`, "Run `pulumi up`."));
    const quiet = names.size - ringing.length - gone.length;
    findings.push(ok(`${region}: ${quiet} of ${names.size} alarms don't ring`), ...ringing);
  }
  return findings;
};

const periodOf = ({
  Metrics,
  Period,
}: {
  Metrics?: { MetricStat?: { Period?: number | undefined } | undefined }[] | undefined;
  Period?: number | undefined;
}) => Period ?? Metrics?.find(({ MetricStat }) => MetricStat?.Period !== undefined)?.MetricStat?.Period;

/** No dead-letter queue holds a message. */
export const deadLetters: Check = async (world) => {
  const sqs = clientOf(world, SQSClient);
  const dead = new Set(
    all(world, "aws:sqs/queue:Queue")
      .map(({ outputs }) => outputs.redrivePolicy)
      .filter((policy): policy is string => typeof policy === "string" && policy !== "")
      .map((policy) => (JSON.parse(policy) as { deadLetterTargetArn: string }).deadLetterTargetArn),
  );
  const queues = all(world, "aws:sqs/queue:Queue").filter(({ outputs }) => dead.has(String(outputs.arn)));
  return await each(queues, async (queue) => {
    const { Attributes } = await sqs(regionOf(queue)).send(
      new GetQueueAttributesCommand({ QueueUrl: text(queue, "url"), AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    const messages = Number(Attributes?.ApproximateNumberOfMessages ?? 0);
    return messages === 0
      ? ok(`${short(text(queue, "arn"))} is empty`)
      : wrong(`${short(text(queue, "arn"))} holds ${messages} messages`, "docs/runbooks/dead-letters.md");
  });
};
