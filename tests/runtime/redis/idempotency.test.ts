import assert from "node:assert/strict";
import { suite } from "uvu";
import { AwsError } from "../../../runtime/aws/signed.ts";
import type { IngestMessage } from "../../../runtime/domain/codec/index.ts";
import { entriesOf, keyHashOf } from "../../../runtime/domain/idempotency.ts";
import { tenantOf } from "../../../runtime/domain/identity/identity.ts";
import { accept } from "../../../runtime/ingest/accept.ts";
import type { RedisScripts } from "../../../runtime/redis/connect.ts";
import { IdempotencyStore, KEPT_MS, LEASE_MS } from "../../../runtime/redis/idempotency.ts";
import { roomIn } from "../../../runtime/redis/room.ts";
import { identity, platformOver, request, type TestPlatform } from "../ingest/support/ports.ts";
import { startRedis, type TestRedis } from "./support/redis.ts";

const test = suite("idempotency");
let redis: TestRedis;
let keys = 0;

test.before(async () => {
  redis = await startRedis();
});
test.after(() => redis.close());

/** A key of its own for each test. */
const newKey = () => ({ "idempotency-key": `key ${++keys}` });
const codeOf = ({ body }: { body: string }): string => JSON.parse(body).error?.code;

test("a repeat with the same body answers the first answer again, and nothing is sent", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  const first = await platform.post('[{"a":1},{"a":2}]', key);
  const again = await platform.post('[{"a":1},{"a":2}]', key);
  assert.equal(first.status, 202);
  assert.equal(first.headers["idempotency-replayed"], undefined);
  assert.deepEqual([again.status, again.body, again.headers["idempotency-replayed"]], [202, first.body, "true"]);
  assert.equal(platform.sent.length, 1);
});

test("the entry of an idempotency key does not grow with the number of events", async () => {
  const platform = platformOver(redis.connection);
  const entry = async (body: string): Promise<string[]> => {
    const key = newKey();
    const who = { ...identity, customer_id: "cus_large", limit_per_second: 10_000 };
    assert.equal((await platform.post(body, key, who)).status, 202);
    const name = `${entriesOf(tenantOf(who))}${keyHashOf(key["idempotency-key"])}`;
    return (await redis.connection.command("HGETALL", [name], 10_000)) as string[];
  };
  const sizes = [await entry('{"a":1}'), await entry(`[${Array.from({ length: 1_000 }, () => '{"a":1}').join()}]`)];
  for (const kept of sizes) {
    assert.deepEqual(kept.filter((_, i) => i % 2 === 0).sort(), ["answer", "first", "hash"]);
    assert.ok(kept.join("").length < 100, kept.join(" "));
  }
});

test("an old entry, which holds the whole answer, is answered alike", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  const { body } = await platform.post('[{"a":1},{"a":2}]', key);
  const name = `${entriesOf(tenantOf(identity))}${keyHashOf(key["idempotency-key"])}`;
  await redis.connection.command("HSET", [name, "answer", body, "token", "t", "lease", "0"], 10_000);
  const again = await platform.post('[{"a":1},{"a":2}]', key);
  assert.deepEqual([again.status, again.body, again.headers["idempotency-replayed"]], [202, body, "true"]);
});

test("a cache that is nearly full takes no more keys and goes on counting limits", async () => {
  const info = (used: number, most: number) => `# Memory\r\nused_memory:${used}\r\nmaxmemory:${most}\r\n`;
  let memory = info(90, 100);
  let clock = 0;
  const room = roomIn({ command: async () => memory }, () => clock);
  const platform = platformOver(redis.connection, { idempotency: new IdempotencyStore(redis.connection, room) });
  const post = async (headers: Record<string, string>) => {
    const { status, headers: told } = await platform.post('{"a":1}', headers);
    return [status, told["retry-after"]];
  };
  // What is not known yet is asked for behind the first.
  room.left();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await post(newKey()), [503, "1"]);
  assert.deepEqual(await post({}), [202, undefined]);
  assert.equal(platform.failures.includes("limiter"), false);
  for (memory of [info(89, 100), info(5, 0), "# no such section"]) {
    clock += 5_000;
    room.left();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await post(newKey()), [202, undefined]);
  }
});

test("a repeat costs nothing of the limit", async () => {
  const platform = platformOver(redis.connection);
  const who = { ...identity, customer_id: "cus_repeats", limit_per_second: 10 };
  const key = newKey();
  const first = await platform.post('[{"a":1},{"a":2}]', key, who);
  const again = await platform.post('[{"a":1},{"a":2}]', key, who);
  assert.deepEqual(
    [first, again].map(({ headers }) => headers["ratelimit-remaining"]),
    ["8", "8"],
  );
});

test("the same key with another body is a conflict", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  await platform.post('{"a":1}', key);
  const other = await platform.post('{"a":2}', key);
  assert.deepEqual(JSON.parse(other.body).error, {
    code: "idempotency_conflict",
    message: "This `Idempotency-Key` was used before with another body.",
    request_id: JSON.parse(other.body).error.request_id,
    docs: "/docs/errors#idempotency_conflict",
  });
  assert.equal(other.status, 409);
  assert.equal(platform.sent.length, 1);
});

test("each customer and environment has its own keys", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  await platform.post('{"a":1}', key);
  assert.equal((await platform.post('{"a":2}', key, { ...identity, environment: "sandbox" })).status, 202);
  assert.equal((await platform.post('{"a":3}', key, { ...identity, customer_id: "cus_other" })).status, 202);
});

test("while the first is in flight a repeat is told to come back, and afterwards gets its answer", async () => {
  let finish = () => {};
  const sending = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const platform = platformOver(redis.connection, {
    send: () => {
      begun();
      return sending;
    },
  });
  const key = newKey();
  const first = platform.post('{"a":1}', key);
  await started;
  const meanwhile = await platform.post('{"a":1}', key);
  assert.deepEqual(
    [meanwhile.status, codeOf(meanwhile), meanwhile.headers["retry-after"]],
    [409, "idempotency_in_flight", "1"],
  );
  assert.equal(codeOf(await platform.post('{"a":2}', key)), "idempotency_conflict");
  finish();
  const { body } = await first;
  assert.deepEqual(await platform.post('{"a":1}', key).then((again) => again.body), body);
});

test("when many repeats come at once, one is carried out", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  const answers = await Promise.all(Array.from({ length: 20 }, () => platform.post('{"a":1}', key)));
  assert.equal(platform.sent.length, 1);
  const ids = new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body));
  assert.equal(ids.size, 1);
  assert.ok(answers.every((answer) => answer.status === 202 || codeOf(answer) === "idempotency_in_flight"));
});

test("a refused request leaves its key free, for any body", async () => {
  const platform = platformOver(redis.connection);
  const key = newKey();
  const who = { ...identity, customer_id: "cus_limited", limit_per_second: 1 };
  assert.equal((await platform.post('{"a":', key, who)).status, 400);
  assert.equal((await platform.post('[{"a":1},{"a":2}]', key, who)).status, 429);
  assert.equal((await platform.post('{"a":3}', key, who)).status, 202);
});

test("a key is bad when it is empty, too long or not printable ASCII", async () => {
  const platform = platformOver(redis.connection);
  for (const key of ["", "x".repeat(256), "naïve", "tab\there"]) {
    const { status, body } = await platform.post('{"a":1}', { "idempotency-key": key });
    assert.deepEqual(
      [status, JSON.parse(body).error.details],
      [400, [{ path: "Idempotency-Key", message: "`Idempotency-Key` must be 1 to 255 printable ASCII characters." }]],
    );
  }
  assert.equal((await platform.post('{"a":1}', { "idempotency-key": "x".repeat(255) })).status, 202);
});

test("while Redis is down a request with an idempotency key is refused, and one without is accepted", async () => {
  const away: RedisScripts = {
    run: async () => {
      throw new Error("away");
    },
  };
  const platform = platformOver(away);
  const keyed = await platform.post('{"a":1}', newKey());
  assert.deepEqual([keyed.status, codeOf(keyed), keyed.headers["retry-after"]], [503, "unavailable", "1"]);
  assert.equal(platform.sent.length, 0);
  assert.equal((await platform.post('{"a":1}')).status, 202);
});

test("records are kept for 24 hours", async () => {
  const commands: (readonly (string | number)[])[] = [];
  const platform = platformOver({
    run: (script, names, args, patience) => {
      if (script !== "window") commands.push(args);
      return redis.connection.run(script, names, args, patience);
    },
  });
  await platform.post('{"a":1}', newKey());
  assert.equal(KEPT_MS, 24 * 3_600_000);
  assert.equal(commands[0]![5], KEPT_MS);
  assert.equal(commands[1]![3], KEPT_MS);
});

/** Never answers: the function died here. */
const crash = <T>(): Promise<T> => new Promise<T>(() => {});

type Fault = "fails before" | "fails after" | "crashes before" | "crashes after";
const faultyWay = async <T>(fault: Fault, work: () => Promise<T>, error: Error): Promise<T> => {
  if (fault === "fails before") throw error;
  if (fault === "crashes before") return crash();
  await work();
  if (fault === "fails after") throw error;
  return crash();
};

/** One request with a fault at one step; later ones without. */
function faulty(
  step: string,
  fault: Fault,
): { platform: TestPlatform; stored: Map<string, IngestMessage>; sends(): number } {
  let armed = true;
  const arm = (name: string): boolean => {
    if (!armed || name !== step) return false;
    armed = false;
    return true;
  };
  const scripts: RedisScripts = {
    run: (script, names, args, patience) => {
      const what = script === "settle" ? `settle ${args[1]}` : script;
      const run = () => redis.connection.run(script, names, args, patience);
      return arm(what) ? faultyWay(fault, run, new Error("Redis did not answer")) : run();
    },
  };
  // What the pipeline holds in the end: a message stores its batch under its first id, over itself.
  const stored = new Map<string, IngestMessage>();
  let sends = 0;
  const platform = platformOver(scripts, {
    send: (message) => {
      const run = async () => {
        sends += 1;
        stored.set(message.first, message);
      };
      // After the message left, nobody knows whether it arrived.
      const error = new AwsError("no answer", fault === "fails after");
      return arm("send") ? faultyWay(fault, run, error) : run();
    },
  });
  return { platform, stored, sends: () => sends };
}

const steps = ["claim", "window", "send", "settle done"];
const ways: Fault[] = ["fails before", "fails after", "crashes before", "crashes after"];
for (const step of steps) {
  for (const fault of ways) {
    test(`when it ${fault} the step "${step}", repeats end in one set of events`, async () => {
      const { platform, stored } = faulty(step, fault);
      const key = newKey();
      const body = '[{"a":1},{"a":2}]';
      const first = accept(request(body, key), platform.ports);
      let answer = fault.startsWith("crashes") ? undefined : await first;
      if (answer === undefined) await reached(() => (step === "settle done" ? stored.size === 1 : true));
      const heard: string[] = answer?.status === 202 ? [answer.body] : [];
      for (let tries = 0; answer?.status !== 202 || tries === 0; tries += 1) {
        assert.ok(tries < 4, "a repeat must be accepted once the claim has expired");
        platform.now += tries === 0 ? 1_000 : LEASE_MS;
        answer = await platform.post(body, key);
        assert.ok([202, 409, 503].includes(answer.status), answer.body);
        if (answer.status === 202) heard.push(answer.body);
      }
      assert.equal(stored.size, 1, "two sets of events");
      assert.equal(new Set(heard).size, 1, "two answers");
      const [message] = stored.values();
      assert.equal(JSON.parse(heard[0]!).events[0].event_id, `evt_${message!.first}`);
    });
  }
}

/** Polls until it holds. */
async function reached(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test("a send that failed for certain leaves the key free for another body", async () => {
  const { platform, stored } = faulty("send", "fails before");
  const key = newKey();
  assert.equal((await platform.post('{"a":1}', key)).status, 503);
  assert.equal((await platform.post('{"a":2}', key)).status, 202);
  assert.equal(stored.size, 1);
});

test("a send that may have arrived is repeated under the same ids at once", async () => {
  const { platform, stored, sends } = faulty("send", "fails after");
  const key = newKey();
  assert.equal((await platform.post('{"a":1}', key)).status, 503);
  assert.equal((await platform.post('{"a":1}', key)).status, 202);
  assert.deepEqual([stored.size, sends()], [1, 2]);
});

test("a claim whose holder died is held until its lease ends", async () => {
  const { platform } = faulty("send", "crashes before");
  const key = newKey();
  void platform.post('{"a":1}', key);
  await new Promise((resolve) => setImmediate(resolve));
  await redis.connection.ready(1_000);
  platform.now += LEASE_MS - 1;
  assert.equal(codeOf(await platform.post('{"a":1}', key)), "idempotency_in_flight");
  platform.now += 2;
  assert.equal((await platform.post('{"a":1}', key)).status, 202);
});

test("the ids stay even if the limit refuses the request that took over", async () => {
  const { platform, stored } = faulty("send", "crashes after");
  const key = newKey();
  const who = { ...identity, customer_id: "cus_takeover", limit_per_second: 1 };
  void platform.post('{"a":1}', key, who);
  await reached(() => stored.size === 1);
  platform.now += LEASE_MS + 1;
  assert.equal((await platform.post('{"b":1}', {}, who)).status, 202);
  assert.equal((await platform.post('{"a":1}', key, who)).status, 429);
  platform.now += 2_000;
  assert.equal((await platform.post('{"a":1}', key, who)).status, 202);
  assert.equal([...stored.values()].filter(({ types }) => types.length === 1).length, 2);
});

test("a body in another layout counts as the same, one with other text does not", async () => {
  const platform = platformOver(redis.connection);
  const key = { "idempotency-key": "layout" };
  const first = await platform.post('{"a":[1, 2],"s":"x y\\" z"}', key);
  const again = await platform.post('\n{ "a" : [1,2],\t"s":"x y\\" z" }', key);
  assert.deepEqual([again.status, again.body, again.headers["idempotency-replayed"]], [202, first.body, "true"]);
  for (const other of ['{"a":[1,2],"s":"x  y\\" z"}', '{"s":"x y\\" z","a":[1,2]}', '{"a":[1.0,2],"s":"x y\\" z"}'])
    assert.equal((await platform.post(other, key)).status, 409, other);
});

test.run();
