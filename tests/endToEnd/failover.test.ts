// group: own platform 2
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { suite } from "uvu";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { eventually } from "../support/eventually.ts";
import { call, webhooksAt } from "../support/platform.ts";

const test = suite("failover");
const [HOME, STANDBY] = ["us-east-1", "us-west-2"] as const;
const EVENTS = 3;

let folder: string;
let platform: Platform;
let posting = false;
const lines: string[] = [];
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-failover-"));
  try {
    platform = await startPlatform({
      state: folder,
      port: 0,
      regions: [HOME, STANDBY],
      log: (line) => lines.push(line),
    });
  } catch (cause) {
    process.stderr.write(`${lines.join("\n")}\n${cause instanceof Error ? cause.stack : String(cause)}\n`);
    throw cause;
  }
});
test.after(async () => {
  posting = false;
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the function that watches the home region, which the schedule does once a minute. */
async function watch(): Promise<void> {
  const lambda = new LambdaClient(platform.aws(undefined, STANDBY));
  await lambda.send(new InvokeCommand({ FunctionName: `watch-${STANDBY}`, InvocationType: "Event" }));
  lambda.destroy();
}

test("while the home region is down another region accepts events, and every accepted event arrives", async () => {
  const { url, apiKey: key } = platform;
  const webhook_url = `${platform.sinkUrl}/failover`;
  const hook = { workflow_id: "failover", webhook_url, event_selector: "order.created" };
  assert.equal((await call(url, "POST", "/subscriptions", { key, body: hook })).status, 201);

  const accepted = new Map<string, string>();
  const by = (region: string) => [...accepted.values()].filter((taken) => taken === region).length;
  posting = true;
  const load = async () => {
    while (posting) {
      const body = Array.from({ length: EVENTS }, (_, i) => ({ event_type: "order.created", i }));
      const answer = await call(url, "POST", "/events", { key, body }).catch(() => undefined);
      if (answer?.status === 202)
        for (const { event_id } of answer.json.events) accepted.set(event_id, answer.headers.get("triggers-region")!);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const loads = [load(), load()];
  await watch();
  await eventually(
    () => by(HOME),
    (count) => count >= 30,
  );
  assert.equal(by(STANDBY), 0);

  await platform.cutOff(HOME, true);
  const before = by(HOME);
  await eventually(
    () => by(STANDBY),
    (count) => count >= 30,
    60_000,
  );
  assert.ok(by(HOME) - before <= 2 * EVENTS, "what had begun, and no more");

  await platform.cutOff(HOME, false);
  const since = by(HOME);
  await eventually(
    () => by(HOME) - since,
    (count) => count >= 30,
    60_000,
  );
  posting = false;
  await Promise.all(loads);

  const ids = [...accepted.keys()];
  await eventually(
    async () => {
      const received = await webhooksAt(platform, "/failover");
      const delivered = new Set(
        received.flatMap(({ body }) => (JSON.parse(body) as { event_id: string }[]).map(({ event_id }) => event_id)),
      );
      return ids.filter((id) => !delivered.has(id)).length;
    },
    (missing) => missing === 0,
    // What the standby region could not hand over while the home region was away comes again after up to two minutes.
    240_000,
  );
  for (let at = 0; at < ids.length; at += 1_000) {
    const body = { event_ids: ids.slice(at, at + 1_000) };
    const answer = await call(url, "POST", "/events/lookup", { key, body });
    assert.deepEqual(answer.json.missing, []);
  }
});

test.run();
