import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { sendDue } from "../../../runtime/alert/deliverMessages.ts";
import { tick } from "../../../runtime/alert/tick.ts";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import type { Service } from "../../../runtime/aws/service.ts";
import { updateItem } from "../../../runtime/aws/tables.ts";
import type { DirectPost } from "../../../runtime/domain/alerts/work.ts";
import { decodeIngest } from "../../../runtime/domain/codec/index.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import type { ServiceRequest } from "../../../runtime/domain/service.ts";
import { serve } from "../../../runtime/subscriptions/service.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { verifyChannel } from "../../support/channels.ts";
import { countUsage } from "../../support/usage.ts";
import { testVault } from "../../support/vault.ts";
import { attempt, messagePorts, tickPorts } from "./world.ts";

/**
 * The alert function is killed at any step, before the step is done or after it, and begun again by the next minute; or two of them run at
 * once. Each change of state is one message to each channel, and a message that is posted twice has the id by which its receiver knows that.
 */
const test = suite("one message for each change of state, whenever the function is killed");
const MINUTE = 60_000;

let api: TestApi;
let clock: number;
test.before(async () => {
  api = await startApi();
  clock = Math.floor(Date.now() / MINUTE) * MINUTE;
});
test.after(() => api.close());

/** What a function of its own, which may be killed, reaches. */
interface World {
  readonly posts: DirectPost[];
  /** Ids of the customer's own events. */
  readonly events: string[];
}

class Killed extends Error {}

/** Where a run dies: at its step of this number, from 0, with the step done or not; or after the first step of a kind. */
type Death = { readonly step: number; readonly done: boolean } | { readonly after: Kind };
/** What a step does: an operation of the service or of DynamoDB, a post, an event. */
type Kind = ServiceRequest["op"] | "QueryCommand" | "UpdateItemCommand" | "GetItemCommand" | "post" | "event";

/** A run of the function: a minute's evaluation and what is to be sent. @param paused awaited at its first step of that kind */
function functionOf(
  world: World,
  death?: Death,
  paused?: { readonly op: ServiceRequest["op"]; readonly until: Promise<void>; reached(): void },
) {
  const steps: Kind[] = [];
  let dead = false;
  let waited = false;
  /** A dead process does nothing more, not even what stands in a `finally`. */
  async function step<T>(kind: Kind, work: () => Promise<T>): Promise<T> {
    if (dead) throw new Killed();
    const dies = death !== undefined && ("after" in death ? death.after === kind : death.step === steps.length);
    steps.push(kind);
    if (dies && "done" in death && !death.done) {
      dead = true;
      throw new Killed();
    }
    const result = await work();
    if (dies) dead = true;
    if (dead) throw new Killed();
    return result;
  }
  const service = (async (request: ServiceRequest) => {
    if (request.op === paused?.op && !waited) {
      waited = true;
      paused.reached();
      await paused.until;
    }
    return step(request.op, async () => ({
      answer: await serve(api.database.db, request as never, clock, testVault),
      bytes: 0,
    }));
  }) as Service;
  const send = (command: { constructor: { name: string } }) =>
    step(command.constructor.name as Kind, () => api.deps.dynamodb.send(command as never));
  const reached = { service, now: () => clock };
  const ports = tickPorts({ send } as never, reached);
  const sending = messagePorts(reached, {
    post: (post) =>
      step("post", async () => {
        world.posts.push(post);
        return { status_code: 200, error: null, latency_ms: 1 };
      }),
    tell: (messages: readonly Outgoing[]) =>
      step("event", async () => {
        for (const { text } of messages) world.events.push(decodeIngest(text).first);
      }),
  });
  return {
    async run(): Promise<void> {
      try {
        await tick(ports, clock + 28_000);
        await sendDue(sending, clock + 38_000);
      } catch (error) {
        if (!(error instanceof Killed) && !dead) throw error;
      }
    },
    steps,
  };
}

async function customer(): Promise<Identity> {
  // Nothing of one case lies in the minutes of another.
  clock += 240 * MINUTE;
  api.advance(clock - api.deps.now());
  const { live } = await api.customer();
  await functionOf({ posts: [], events: [] }).run();
  const { body: channel } = await api.call(live, "POST", "/alert-channels", {
    kind: "webhook",
    target: "https://hooks.example.com/alerts",
  });
  await verifyChannel(api, channel.channel_id, clock);
  const rule = { name: "x", kind: "error_rate", threshold: 0.1, for_minutes: 1, channels: [channel.channel_id] };
  const { status } = await api.call(live, "POST", "/alert-rules", rule);
  assert.equal(status, 201);
  return live;
}

/** Alerts of the rule, with their messages to the channel and their events. */
async function told(live: Identity, world: World) {
  const { alerts } = (await api.call(live, "GET", "/alerts")).body;
  const own = alerts.filter((alert: { name: string }) => alert.name === "x");
  type Message = { channel_id: string | null; change: string; state: string };
  return {
    states: own.map(({ state }: { state: string }) => state),
    messages: own
      .flatMap(({ messages }: { messages: Message[] }) => messages)
      .map(({ channel_id, change, state }: Message) => `${change} ${channel_id === null ? "event" : "post"} ${state}`)
      .sort(),
    posts: new Set(world.posts.map(({ id }) => id)).size,
    events: new Set(world.events).size,
  };
}
/** What one alert that fired and recovered is, told once. */
const once = {
  states: ["resolved"],
  messages: ["firing event sent", "firing post sent", "resolved event sent", "resolved post sent"],
  posts: 2,
  events: 2,
};

/** Counts a minute's attempts, and lets it go by. */
async function minute(live: Identity, outcome?: "delivered" | "failed"): Promise<void> {
  if (outcome !== undefined) await countUsage(api.deps.dynamodb, [attempt(live.customer_id, clock + 1, outcome)]);
  clock += MINUTE;
}
/** Minutes for what a killed run had taken to be due again. */
const LATER = 5;

/** A customer whose deliveries fail for two minutes. @param deaths by minute: where the run that follows it is killed */
async function lived(
  deaths: ReadonlyMap<number, Death>,
): Promise<{ steps: (readonly Kind[])[]; world: World; live: Identity }> {
  const live = await customer();
  const world: World = { posts: [], events: [] };
  const steps: (readonly Kind[])[] = [];
  const minutes = [
    "failed",
    "failed",
    "delivered",
    "delivered",
    ...Array.from({ length: LATER }, () => undefined),
  ] as const;
  for (const [at, outcome] of minutes.entries()) {
    await minute(live, outcome);
    const run = functionOf(world, deaths.get(at));
    await run.run();
    steps.push(run.steps);
  }
  return { steps, world, live };
}

test("without a kill each change is one message, posted once", async () => {
  const { world, live } = await lived(new Map());
  assert.deepEqual(await told(live, world), once);
  assert.equal(world.posts.length, 2);
  assert.equal(world.events.length, 2);
});

test("a kill at any step, as it fires or as it recovers, still leads to one message each", async () => {
  const { steps } = await lived(new Map());
  // Most of what it does is reading marks of minutes: one of those steps is as good as another.
  const at = (minute: number) =>
    steps[minute]!.flatMap((kind, step) =>
      kind === "QueryCommand" ? [] : [true, false].map((done) => ({ minute, step, done })),
    );
  const cases = [...at(1), ...at(3)];
  for (const kind of ["alert_save", "alert_due", "post", "event", "alert_sent"] as const)
    for (const minute of [1, 3])
      assert.ok(steps[minute]!.includes(kind), `${kind} in ${minute}: ${steps[minute]!.join(" ")}`);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cases),
      fc.option(fc.constantFrom(...cases), { nil: undefined }),
      async ({ minute, ...death }, next) => {
        const deaths = new Map<number, Death>([
          [minute, death],
          ...(next === undefined ? [] : [[minute + 1, next] as const]),
        ]);
        const { world, live } = await lived(deaths);
        assert.deepEqual(await told(live, world), once);
      },
    ),
    { numRuns: 12, includeErrorInReport: true },
  );
});

/** Ends the lease of a run that is still at work, as it ends by itself once the time of that run is over. */
const endLease = () =>
  updateItem({ dynamodb: api.deps.dynamodb, name: "metrics" }, TICK, { UpdateExpression: "REMOVE busy_until" });
const TICK = { pk: { S: "alerts" }, sk: { S: "tick" } };

test("a run that hangs before it writes no longer changes anything once the next ones did its work", async () => {
  for (const missed of [1, 2, 4]) {
    const live = await customer();
    const world: World = { posts: [], events: [] };
    const { promise: waits, resolve: reached } = Promise.withResolvers<void>();
    const { promise: until, resolve: goOn } = Promise.withResolvers<void>();
    await minute(live, "failed");
    await minute(live, "failed");
    const slow = functionOf(world, undefined, { op: "alert_save", until, reached }).run();
    await waits;
    const others = ["delivered", "delivered", "failed", "delivered"] as const;
    for (const outcome of others.slice(0, missed)) {
      await minute(live, outcome);
      await endLease();
      await functionOf(world).run();
    }
    goOn();
    await slow;
    for (let later = 0; later < LATER; later += 1) {
      await minute(live, later === 0 ? "delivered" : undefined);
      await functionOf(world).run();
    }
    const alerts = missed === 4 ? 2 : 1;
    const { states, posts, events } = await told(live, world);
    assert.deepEqual(
      states,
      Array.from({ length: alerts }, () => "resolved"),
      `${missed} runs meanwhile`,
    );
    assert.deepEqual(
      [posts, events, world.posts.length],
      [2 * alerts, 2 * alerts, 2 * alerts],
      `${missed} runs meanwhile`,
    );
  }
});

test("a missed minute that is evaluated twice sends one message", async () => {
  const live = await customer();
  const world: World = { posts: [], events: [] };
  for (const outcome of ["failed", "delivered", "failed", "delivered"] as const) await minute(live, outcome);
  // The run that makes up for them dies after it has written what it found, before it has written how far it came.
  await functionOf(world, { after: "alert_save" }).run();
  const first = await told(live, world);
  assert.equal(first.states.length, 2);
  await endLease();
  for (let later = 0; later < LATER; later += 1) {
    await functionOf(world).run();
    await minute(live);
  }
  const after = await told(live, world);
  assert.deepEqual(after.states, ["resolved", "resolved"]);
  assert.deepEqual([after.posts, after.events], [4, 4]);
});

test.run();
