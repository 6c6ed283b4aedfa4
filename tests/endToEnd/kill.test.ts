import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import type { LocalFile } from "../../local/platform/state.ts";
import { type ReceiverServer, startReceiverServer } from "../../local/receiver/server.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/platform.ts";
import { startProcess } from "../support/process.ts";

const test = suite("SIGKILL");
const KILLS = 3;
/** Accepted requests between a start and the kill that ends it, so that the kill falls into the middle of the work. */
const ACCEPTED_BEFORE_KILL = 40;
const EVENTS = 5;

let folder: string;
let receiver: ReceiverServer;
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-kill-"));
  // A receiver that outlives the platform.
  receiver = await startReceiverServer(0);
});
test.after(async () => {
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Posts batches, a few at a time, until the platform is gone. Only what was answered with 202 counts. */
async function load(local: LocalFile, accepted: Set<string>, onAccepted: () => void): Promise<void> {
  let gone = false;
  const caller = async () => {
    while (!gone) {
      const body = Array.from({ length: EVENTS }, (_, i) => ({ event_type: "order.created", i, at: Date.now() }));
      try {
        const answer = await call(local.url, "POST", "/events", { key: local.api_key, body });
        if (answer.status !== 202) continue;
        for (const { event_id } of answer.json.events) accepted.add(event_id);
        onAccepted();
      } catch {
        gone = true;
      }
    }
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
}

test(`killed ${KILLS} times in the middle of a load, the platform loses no event that it accepted`, async () => {
  const accepted = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const started = startProcess({ state: folder });
    const local = await started.ready;
    if (kill === 0) {
      const webhook_url = `http://127.0.0.1:${receiver.port}/kill`;
      const body = { workflow_id: "kill", webhook_url, event_selector: "order.created" };
      assert.equal((await call(local.url, "POST", "/subscriptions", { key: local.api_key, body })).status, 201);
    }
    let requests = 0;
    await load(local, accepted, () => {
      requests += 1;
      if (requests === ACCEPTED_BEFORE_KILL) process.kill(local.pid, "SIGKILL");
    });
    assert.equal(await started.ended, "SIGKILL");
  }
  assert.ok(accepted.size >= KILLS * ACCEPTED_BEFORE_KILL * EVENTS, `only ${accepted.size} events were accepted`);

  const last = startProcess({ state: folder });
  const local = await last.ready;
  try {
    const ids = [...accepted];
    // What the platform says of every 202: each event is there, and in the end delivered (or unmatched: the first ones
    // may have come before the subscription took effect).
    const states = await eventually(
      async () => {
        const found = new Map<string, string>();
        for (let at = 0; at < ids.length; at += 1_000) {
          const body = { event_ids: ids.slice(at, at + 1_000) };
          const { json } = await call(local.url, "POST", "/events/lookup", { key: local.api_key, body });
          for (const { event_id, status } of json.events) found.set(event_id, status);
        }
        return ids.map((id) => found.get(id) ?? "missing");
      },
      (all) => all.every((status) => status === "delivered" || status === "unmatched"),
      60_000,
    );
    // And what the subscriber says: everything that counts as delivered did arrive.
    const { requests } = (await (await fetch(`http://127.0.0.1:${receiver.port}/requests`)).json()) as {
      requests: { body: string }[];
    };
    const arrived = new Set(
      requests.flatMap(({ body }) => (JSON.parse(body) as { event_id: string }[]).map((event) => event.event_id)),
    );
    const delivered = ids.filter((_, i) => states[i] === "delivered");
    assert.deepEqual(
      delivered.filter((id) => !arrived.has(id)),
      [],
    );
    assert.ok(delivered.length > ids.length / 2, `only ${delivered.length} of ${ids.length} were matched`);
  } finally {
    last.child.kill("SIGTERM");
    await last.ended;
  }
});

test.run();
