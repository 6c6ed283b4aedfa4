import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import { createIam } from "../../local/iam.ts";
import { readSchedule } from "../../local/scheduler/expression.ts";
import { createScheduler, type SchedulerService } from "../../local/scheduler.ts";
import type { Inputs } from "../../local/service.ts";
import { testClock } from "./clock.ts";
import { freshContexts } from "./serve.ts";

const test = suite("schedules");
const NOW = Date.UTC(2026, 0, 1, 0, 0, 30);

const rows: readonly (readonly [expression: string, next: string, timezone?: string])[] = [
  ["rate(1 minute)", "2026-01-01T00:01:30.000Z"],
  ["rate(5 minutes)", "2026-01-01T00:05:30.000Z"],
  ["rate(2 hours)", "2026-01-01T02:00:30.000Z"],
  ["rate(1 day)", "2026-01-02T00:00:30.000Z"],
  ["cron(0 8 ? * MON-FRI *)", "2026-01-01T08:00:00.000Z"],
  ["cron(0 8 ? * 2 *)", "2026-01-05T08:00:00.000Z"],
  ["cron(0 8 ? * SUN *)", "2026-01-04T08:00:00.000Z"],
  ["cron(0/15 * * * ? *)", "2026-01-01T00:15:00.000Z"],
  ["cron(15 10 L * ? 2027)", "2027-01-31T10:15:00.000Z"],
  ["cron(0 18 ? * 6L *)", "2026-01-30T18:00:00.000Z"],
  ["cron(0 9 ? * 2#1 *)", "2026-01-05T09:00:00.000Z"],
  ["cron(0 8 1W * ? *)", "2026-01-01T08:00:00.000Z"],
  ["cron(30 2 * * ? *)", "2026-01-01T01:30:00.000Z", "Europe/Berlin"],
  ["at(2026-02-01T08:00:00)", "2026-02-01T07:00:00.000Z", "Europe/Berlin"],
];
for (const [expression, next, timezone] of rows) {
  test(`${expression} in ${timezone ?? "UTC"} runs next at ${next}`, () => {
    assert.equal(new Date(readSchedule(expression, timezone).next(NOW, undefined)!).toISOString(), next);
  });
}

for (const expression of [
  "rate(1 minutes)",
  "rate(5 minute)",
  "rate(0 minutes)",
  "rate(1 week)",
  "cron(* * * * * *)",
  "cron(0 8 ? * ? *)",
  "cron(0 8 * *)",
  "cron(0 25 ? * 1 *)",
  "every minute",
]) {
  test(`${expression} is refused`, () => {
    assert.throws(() => readSchedule(expression), {
      message: `"${expression}" is no schedule expression that AWS takes`,
    });
  });
}

const fresh = freshContexts(test.after);
const arn = "arn:aws:lambda:us-east-1:000000000000:function:sweep";
const roleArn = "arn:aws:iam::000000000000:role/scheduler";
const declare = (scheduler: SchedulerService, change: Inputs = {}, target: Inputs = {}) =>
  scheduler.resources["aws:scheduler/schedule:Schedule"]!({
    type: "aws:scheduler/schedule:Schedule",
    name: "sweep",
    inputs: {
      scheduleExpression: "rate(1 minute)",
      flexibleTimeWindow: { mode: "OFF" },
      target: { arn, roleArn, input: '{"a":1}', ...target },
      ...change,
    },
  });
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a schedule starts its function with its input, once a period, from the start on", async () => {
  const clock = testClock();
  const started: unknown[] = [];
  const scheduler = createScheduler(fresh(), { invoke: async (...call) => void started.push(call), clock });
  await declare(scheduler);
  clock.advance(600_000);
  assert.deepEqual(started, []);
  await scheduler.start!();
  for (let i = 0; i < 3; i += 1) {
    clock.advance(60_000);
    await settle();
  }
  assert.deepEqual(started, [
    [arn, { a: 1 }],
    [arn, { a: 1 }],
    [arn, { a: 1 }],
  ]);
  await scheduler.close();
});

test("a schedule runs on a full disk, and reports the run that it could not record", async () => {
  const clock = testClock();
  const lines: string[] = [];
  const context = fresh(lines);
  // Nothing can be written where a folder stands.
  mkdirSync(join(context.state, "schedules.json.new"));
  const started: unknown[] = [];
  const scheduler = createScheduler(context, { invoke: async (...call) => void started.push(call), clock });
  await declare(scheduler);
  await scheduler.start!();
  for (let i = 0; i < 2; i += 1) {
    clock.advance(60_000);
    await settle();
  }
  assert.equal(started.length, 2);
  assert.match(lines[0]!, /^schedule sweep: its run can't be written down: EISDIR: /);
  await scheduler.close();
});

test("a schedule that came due while the platform was off runs once at its start", async () => {
  const clock = testClock();
  const context = fresh();
  const started: unknown[] = [];
  const run = async () => {
    const scheduler = createScheduler(context, {
      invoke: async (functionArn) => void started.push(functionArn),
      clock,
    });
    await declare(scheduler);
    await scheduler.start!();
    return scheduler;
  };
  const first = await run();
  clock.advance(60_000);
  await settle();
  await first.close();
  clock.advance(3_600_000);
  const second = await run();
  clock.advance(0);
  await settle();
  assert.deepEqual(started, [arn, arn]);
  assert.deepEqual(second.upcoming(), [{ name: "sweep", expression: "rate(1 minute)", next: clock.now() + 60_000 }]);
  await second.close();
});

test("a role that may not start the function keeps it from starting, and says so", async () => {
  const clock = testClock();
  const lines: string[] = [];
  const started: unknown[] = [];
  const scheduler = createScheduler(fresh(lines), {
    invoke: async (...call) => void started.push(call),
    refused: (_, [first]) => ({ action: first!.action, resource: first!.resources[0]! }),
    clock,
  });
  await declare(scheduler);
  await scheduler.start!();
  clock.advance(60_000);
  await settle();
  assert.deepEqual([started, lines], [[], [`schedule sweep: ${roleArn} may not lambda:InvokeFunction on ${arn}`]]);
  await scheduler.close();
});

const key = "arn:aws:kms:us-east-1:000000000000:key/jobs";
const scheduleArn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/sweep";
const onQueue = { StringEquals: { "kms:ViaService": "sqs.us-east-1.amazonaws.com" } };
const onSchedule = (schedule: string) => ({
  ArnLike: { "kms:EncryptionContext:aws:scheduler:schedule:arn": schedule },
});
const keyRights: readonly (readonly [says: string, statements: readonly object[], runs: boolean])[] = [
  ["may use it through SQS only", [{ Action: "kms:Decrypt", Resource: key, Condition: onQueue }], false],
  [
    "may use it for another schedule",
    [{ Action: "kms:Decrypt", Resource: key, Condition: onSchedule(`${scheduleArn}2`) }],
    false,
  ],
  ["may only encrypt with it", [{ Action: "kms:Encrypt", Resource: key }], false],
  ["may use another key", [{ Action: "kms:Decrypt", Resource: `${key}2` }], false],
  ["may not use it at all", [], false],
  [
    "may use it for this schedule",
    [{ Action: "kms:Decrypt", Resource: key, Condition: onSchedule(scheduleArn) }],
    true,
  ],
  [
    "may use it for schedules of that name",
    [{ Action: "kms:Decrypt", Resource: key, Condition: onSchedule(scheduleArn.replace("sweep", "sw*")) }],
    true,
  ],
  ["may use it for anything", [{ Action: "kms:Decrypt", Resource: key }], true],
];
for (const [says, statements, runs] of keyRights)
  test(`a schedule under a key ${runs ? "runs" : "does not run"} whose role ${says}`, async () => {
    const clock = testClock();
    const lines: string[] = [];
    const context = fresh(lines);
    const iam = createIam(context);
    const declareIam = (type: string, name: string, inputs: Inputs) => iam.resources[type]!({ type, name, inputs });
    const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "scheduler.amazonaws.com" } };
    await declareIam("aws:iam/role:Role", "scheduler", { assumeRolePolicy: { Statement: [trust] } });
    const start = { Action: "lambda:InvokeFunction", Resource: arn };
    await declareIam("aws:iam/rolePolicy:RolePolicy", "rights", {
      role: "scheduler",
      policy: { Statement: [start, ...statements].map((one) => ({ Effect: "Allow", ...one })) },
    });
    const started: unknown[] = [];
    const scheduler = createScheduler(context, {
      invoke: async (functionArn) => void started.push(functionArn),
      refused: (role, authorizations) => iam.refusal(role.slice(role.lastIndexOf("/") + 1), authorizations),
      clock,
    });
    await declare(scheduler, { kmsKeyArn: key });
    await scheduler.start!();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(
      { started, lines },
      runs
        ? { started: [arn], lines: [] }
        : { started: [], lines: [`schedule sweep: ${roleArn} may not kms:Decrypt on ${key}`] },
    );
    await scheduler.close();
  });

test("a rule of EventBridge hands its target the event that AWS makes", async () => {
  const clock = testClock();
  const started: Record<string, unknown>[] = [];
  const scheduler = createScheduler(fresh(), {
    invoke: async (_arn, payload) => void started.push(payload as Record<string, unknown>),
    clock,
  });
  await scheduler.resources["aws:cloudwatch/eventRule:EventRule"]!({
    type: "aws:cloudwatch/eventRule:EventRule",
    name: "hourly",
    inputs: { scheduleExpression: "rate(1 hour)" },
  });
  await scheduler.resources["aws:cloudwatch/eventTarget:EventTarget"]!({
    type: "aws:cloudwatch/eventTarget:EventTarget",
    name: "hourly",
    inputs: { rule: "hourly", arn },
  });
  await scheduler.start!();
  clock.advance(3_600_000);
  await settle();
  const { id, ...event } = started[0]!;
  assert.match(String(id), /^[0-9a-f-]{36}$/);
  assert.deepEqual(event, {
    version: "0",
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    time: "2026-01-01T01:00:00Z",
    region: "us-east-1",
    resources: ["arn:aws:events:us-east-1:000000000000:rule/hourly"],
    detail: {},
  });
  await scheduler.close();
});

test("targets other than functions, and flexible windows, are refused by name", async () => {
  const scheduler = createScheduler(fresh(), { invoke: async () => {} });
  await assert.rejects(declare(scheduler, {}, { arn: "arn:aws:sqs:us-east-1:000000000000:q" }), {
    message:
      'aws:scheduler/schedule:Schedule "sweep": the local platform starts Lambda functions alone, not arn:aws:sqs:us-east-1:000000000000:q',
  });
  await assert.rejects(declare(scheduler, { flexibleTimeWindow: { mode: "FLEXIBLE", maximumWindowInMinutes: 5 } }), {
    message: 'aws:scheduler/schedule:Schedule "sweep": the local platform does not support a flexible time window',
  });
});

test.run();
