// group: shared 2
import assert from "node:assert/strict";
import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  DisassociateKmsKeyCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { GetScheduleCommand, SchedulerClient, UpdateScheduleCommand } from "@aws-sdk/client-scheduler";
import { PurgeQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import * as checks from "../../operations/verify/checks.ts";
import { type Deployment, localDeployment, type Resource } from "../../operations/verify/deployment.ts";
import { followEvent } from "../../operations/verify/event.ts";
import type { Finding } from "../../operations/verify/finding.ts";
import { verify } from "../../operations/verify/verify.ts";
import { type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The check after a deployment, against the platform that runs here: green as it is, and red for what was broken by hand. */
const test = suite("verify");
const HOUR_MS = 3_600_000;

let platform: SharedPlatform;
let deployment: Deployment;
test.before(async () => {
  platform = await sharedPlatform();
  deployment = localDeployment(platform.folder);
});

const load = { eventsPerSecond: 100, eventsPerRequest: 100, eventBytes: 1_000 };
const world = (change: Partial<checks.World> = {}): checks.World => ({ deployment, load, now: Date.now, ...change });
const following = (change: object = {}) => ({
  url: platform.url,
  key: platform.sandboxKey,
  webhook: `${platform.sinkUrl}/verify`,
  patienceMs: 15_000,
  ...change,
});
const wrong = (findings: readonly Finding[]): string[] =>
  findings.filter(({ state }) => state === "wrong").map(({ says }) => says);
const find = (type: string, name: RegExp): Resource =>
  deployment.resources.find((resource) => resource.type === type && name.test(resource.name))!;

test("nothing is wrong with the platform as it was declared, and an event comes through", async () => {
  const findings = await verify({ world: world(), following: following() });
  assert.deepEqual(wrong(findings), []);
  const ok = (check: string) => findings.filter((finding) => finding.check === check && finding.state === "ok").length;
  assert.equal(ok("event"), 3);
  for (const check of [
    "log groups",
    "bucket policies",
    "database proxy",
    "TLS",
    "mail",
    "quotas",
    "dead letters",
    "alarms",
  ])
    assert.ok(ok(check) > 0, check);
});

/** What is broken by hand, what the check then says, and how it is made well again. */
interface Fault {
  readonly says: string;
  look(): Promise<readonly Finding[]>;
  readonly broken: RegExp;
  /** Breaks it, and answers what makes it well. */
  breakIt(): Promise<() => Promise<unknown>>;
}

const nothing = async () => async () => undefined;
const faults: readonly Fault[] = [
  {
    says: "a log group that keeps its lines for another time",
    look: () => checks.logGroups(world()),
    broken: /^log group route-logs keeps 7 instead of 1 days$/,
    async breakIt() {
      const logs = new CloudWatchLogsClient({ ...deployment.client });
      const put = (retentionInDays: number) =>
        logs.send(new PutRetentionPolicyCommand({ logGroupName: "route-logs", retentionInDays }));
      await put(7);
      return () => put(1);
    },
  },
  {
    says: "a log group without its key",
    look: () => checks.logGroups(world()),
    broken: /^log group sweep-logs is not encrypted by its key$/,
    async breakIt() {
      const logs = new CloudWatchLogsClient({ ...deployment.client });
      await logs.send(new DisassociateKmsKeyCommand({ logGroupName: "sweep-logs" }));
      // The last fault of this group: the next one removes it.
      return async () => undefined;
    },
  },
  {
    says: "a log group that is gone",
    look: () => checks.logGroups(world()),
    broken: /^log group sweep-logs is not there$/,
    async breakIt() {
      await new CloudWatchLogsClient({ ...deployment.client }).send(
        new DeleteLogGroupCommand({ logGroupName: "sweep-logs" }),
      );
      return async () => undefined;
    },
  },
  {
    says: "a bucket policy that a service has written over",
    look: () => checks.bucketPolicies(world()),
    broken: /^bucket logs-bucket: its policy lacks /,
    async breakIt() {
      const s3 = new S3Client({ ...deployment.client, forcePathStyle: true });
      const declared = find("aws:s3/bucketPolicy:BucketPolicy", /^logs/);
      const put = (Policy: string) => s3.send(new PutBucketPolicyCommand({ Bucket: "logs-bucket", Policy }));
      const Statement = [
        { Sid: "AWSLogDeliveryWrite", Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: "*" },
      ];
      await put(JSON.stringify({ Version: "2012-10-17", Statement }));
      return () => put(String(declared.outputs.policy));
    },
  },
  {
    says: "a schedule that somebody has disabled",
    look: () => checks.schedules(world()),
    broken: /^schedule sweep-schedule is DISABLED$/,
    async breakIt() {
      const scheduler = new SchedulerClient({ ...deployment.client });
      const { $metadata: _, ...found } = await scheduler.send(new GetScheduleCommand({ Name: "sweep-schedule" }));
      const set = (State: "ENABLED" | "DISABLED") =>
        scheduler.send(
          new UpdateScheduleCommand({ ...found, State } as ConstructorParameters<typeof UpdateScheduleCommand>[0]),
        );
      await set("DISABLED");
      return () => set("ENABLED");
    },
  },
  {
    says: "a schedule whose role may not start its function",
    // Later that day: what ran meanwhile, through other tests, is out of sight.
    look: () => checks.schedules(world({ now: () => Date.now() + 6 * HOUR_MS })),
    broken: /^schedule reconcile-schedule could not start retain: 1 refused, 0 dropped$/,
    async breakIt() {
      platform.metrics.record(
        "AWS/Scheduler",
        "TargetErrorCount",
        { ScheduleGroup: "default" },
        1,
        Date.now() + 6 * HOUR_MS,
      );
      return async () => undefined;
    },
  },
  {
    says: "a distribution that speaks an older TLS than was promised",
    look: () => {
      const promising = deployment.resources.map((resource) =>
        resource.type === "aws:cloudfront/distribution:Distribution"
          ? {
              ...resource,
              outputs: { ...resource.outputs, viewerCertificate: { minimumProtocolVersion: "TLSv1.2_2021" } },
            }
          : resource,
      );
      return checks.tls(world({ deployment: { ...deployment, resources: promising } }));
    },
    broken: /speaks TLSv1 and later, the program says TLSv1\.2_2021$/,
    breakIt: nothing,
  },
  {
    says: "quotas of an ordinary account under a load that needs more",
    look: () => checks.quotas(world({ load: { ...load, eventsPerSecond: 1_000_000 } })),
    broken: /^us-east-1: 1000 concurrent executions of Lambda; 1000000 events\/s need \d+$/,
    breakIt: nothing,
  },
  {
    says: "messages in a dead-letter queue",
    look: () => checks.deadLetters(world()),
    broken: /^notice-dead holds 1 messages$/,
    async breakIt() {
      const sqs = new SQSClient({ ...deployment.client });
      const QueueUrl = String(find("aws:sqs/queue:Queue", /^notice-dead$/).outputs.url);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "{}" }));
      return () => sqs.send(new PurgeQueueCommand({ QueueUrl }));
    },
  },
  {
    says: "an alarm that rings",
    look: () => checks.alarms(world({ now: () => Date.now() + HOUR_MS })),
    broken: /^alarm route-throttles-alarm rings: /,
    async breakIt() {
      for (let minute = 1; minute <= 6; minute += 1)
        platform.metrics.record("AWS/Lambda", "Throttles", { FunctionName: "route" }, 1, Date.now() - minute * 60_000);
      return async () => undefined;
    },
  },
  {
    says: "an endpoint that fails",
    look: () =>
      followEvent(world(), following({ webhook: `${platform.sinkUrl}/script/status/500/verify`, patienceMs: 3_000 })),
    broken: /is in the inbox and failed after 3 s: .*500$/,
    breakIt: nothing,
  },
  {
    says: "a key that is refused",
    look: () => followEvent(world(), following({ key: `${platform.sandboxKey.slice(0, -4)}0000`, webhook: undefined })),
    broken: /^POST \/events answers 401 unauthorized/,
    breakIt: nothing,
  },
];
for (const { says, look, broken, breakIt } of faults) {
  test(`${says} is found`, async () => {
    const makeWell = await breakIt();
    try {
      const found = wrong(await look());
      assert.ok(
        found.some((line) => broken.test(line)),
        `${broken} is not among:\n${found.join("\n")}`,
      );
    } finally {
      await makeWell();
    }
  });
}

test.run();
