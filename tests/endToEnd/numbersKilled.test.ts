// group: own platform 2
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import type { OutboxMessage } from "../../local/outbox.ts";
import type { LocalFile } from "../../local/platform/state.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { inboxOf } from "../drill/account.ts";
import { disturb, startDisturbed } from "../drill/disturbing.ts";
import { EVENT_TYPE, load, newLedger, repeatUnanswered } from "../drill/load.ts";
import { COMPARED_AFTER_MS, miscounted } from "../drill/numbers.ts";
import { type Sink, startSink } from "../drill/sink.ts";
import { dice } from "../fuzz/random.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/platform.ts";
import type { Started } from "../support/process.ts";
import { openSocket } from "../support/watcher.ts";

/** What stands on the numbers comes through a SIGKILL as events do: metrics, alerts and their messages, reports, and what is watched live. */

const test = suite("the numbers after SIGKILL");
const MINUTES_MS = 10 * 60_000;
const MAIL = "ops@example.com";
const PACE = { callers: 2, pauseMs: 30, batch: 20, large: false };

let folder: string;
let sink: Sink;
let life: Started;
let local: LocalFile;
const ledger = newLedger();
const chance = dice(19);

async function begin(): Promise<void> {
  life = startDisturbed(join(folder, "state"), { clockMs: 0 });
  local = await life.ready;
}
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-numbers-"));
  sink = await startSink(chance);
  await begin();
});
test.after(() => {
  life.child.kill("SIGKILL");
  sink.close();
  rmSync(folder, { recursive: true, force: true });
});

async function api(method: string, path: string, body?: unknown) {
  const { status, text, json } = await call(local.url, method, path, { key: local.api_key, ...defined({ body }) });
  assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
  return json;
}
/** Mails whose subject says this, the oldest first. */
async function mails(subject: string): Promise<OutboxMessage[]> {
  const { messages } = (await (await fetch(`${local.outbox_url}/messages`)).json()) as { messages: OutboxMessage[] };
  return messages.filter(({ to, subject: says = "" }) => to === MAIL && says.includes(subject));
}
/** Accepts at least so many events more. @param at the moment at which as many were accepted, and the load still goes on */
async function accept(count: number, at: () => Promise<void> = async () => {}): Promise<void> {
  const enough = ledger.accepted.size + count;
  let ended = false;
  const loading = load(local, ledger, chance, () => ended, PACE);
  await eventually(
    () => ledger.accepted.size,
    (size) => size >= enough,
    MINUTES_MS,
  );
  await at();
  ended = true;
  await loading;
}
async function watch(more: object) {
  const { ticket, url } = await api("POST", "/live/tickets");
  const watcher = await openSocket(`${url}?ticket=${ticket}`);
  await watcher.subscribe({ subscribe: "events", filter: { event_type: [EVENT_TYPE] }, ...more });
  return watcher;
}
/** The ids of the events that a socket was told of. */
const told = (watcher: Awaited<ReturnType<typeof watch>>) =>
  new Set(watcher.of("events").map((each) => each.event_id!));
const alertOf = async (rule: string) => (await api("GET", `/alerts?rule_id=${rule}`)).alerts;

test("killed amid traffic, with an alert that rings and a report under way, it counts each event once, tells nothing twice, and catches up with who watches", async () => {
  await api("POST", "/subscriptions", {
    ...{ workflow_id: "all", webhook_url: `${sink.url}/clean`, event_selector: EVENT_TYPE },
  });
  await api("POST", "/subscriptions", {
    ...{ workflow_id: "good", webhook_url: `${local.sink_url}/good`, event_selector: "order.good" },
  });
  const failing = await api("POST", "/subscriptions", {
    ...{ workflow_id: "bad", webhook_url: `${local.sink_url}/script/status/500/bad`, event_selector: "order.bad" },
  });
  const channel = await api("POST", "/alert-channels", { kind: "email", target: MAIL });
  const [asked] = await eventually(
    () => mails(""),
    (all) => all.length > 0,
  );
  const code = /\b(\d{6})\b/.exec(asked!.text)![1]!;
  assert.equal((await api("POST", `/alert-channels/${channel.channel_id}/verify`, { code })).verified, true);
  const { rule_id } = await api("POST", "/alert-rules", {
    ...{ name: "Orders fail", kind: "error_rate", threshold: 0.5, for_minutes: 1, severity: "critical" },
    ...{ filter: { event_type: ["order.bad", "order.good"] }, channels: [channel.channel_id] },
  });
  const { report_id } = await api("POST", "/reports", { name: "Orders", template: "weekly", recipients: [MAIL] });
  // A change counts for events accepted five seconds later.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await api("POST", "/events", { event_type: "order.bad" });
  await eventually(
    () => mails("[critical] Orders fail"),
    (all) => all.length > 0,
    MINUTES_MS,
  );

  const before = await watch({});
  await accept(100);
  await eventually(
    () => told(before).size,
    (size) => size > 0,
    MINUTES_MS,
  );
  const [last] = [...told(before)].slice(-1);
  await accept(200, async () => {
    await api("POST", `/reports/${report_id}/run`, {});
    process.kill(life.child.pid!, "SIGKILL");
    await life.ended;
  });

  await begin();
  const [standing] = await alertOf(rule_id);
  assert.equal(standing.state, "firing");
  await accept(100);
  await repeatUnanswered(local, ledger);
  const since = [...ledger.accepted].filter((id) => id > last!);
  const after = await watch({ after: last });
  await eventually(
    () => since.filter((id) => !told(after).has(id)),
    (missing) => missing.length === 0,
    MINUTES_MS,
  );

  // The alert recovers, which it does only where the rule is evaluated in this life too.
  await api("DELETE", `/subscriptions/${failing.subscription_id}`);
  const good = setInterval(() => void api("POST", "/events", { event_type: "order.good" }).catch(() => {}), 5_000);
  try {
    await eventually(
      () => mails("[resolved] Orders fail"),
      (all) => all.length > 0,
      MINUTES_MS,
    );
  } finally {
    clearInterval(good);
  }
  const [report] = (
    await eventually(
      () => api("GET", `/reports/${report_id}/runs`),
      ({ runs }) => runs[0]?.status === "succeeded",
      MINUTES_MS,
    )
  ).runs;
  const alerts = await alertOf(rule_id);
  assert.deepEqual(
    alerts.map(({ alert_id, state }: Record<string, string>) => [alert_id, state]),
    [[standing.alert_id, "resolved"]],
  );
  assert.ok(report.from !== null);
  for (const subject of ["[critical] Orders fail", "[resolved] Orders fail", "Orders: "])
    assert.equal((await mails(subject)).length, 1, subject);
  // A message that does not count as sent would be sent again.
  await eventually(
    async () => (await api("GET", `/alerts/${standing.alert_id}`)).messages as readonly { state: string }[],
    (messages) => messages.length === 4 && messages.every(({ state }) => state === "sent"),
    MINUTES_MS,
  );
  for (const type of ["triggers.alert.firing", "triggers.alert.resolved"]) {
    const { events } = await api("GET", `/inbox?event_type=${type}&filter=event.alert_id=="${standing.alert_id}"`);
    assert.equal(events.length, 1, type);
  }

  const inbox = await eventually(
    () => inboxOf(local),
    (all) => [...all.values()].every(({ status }) => status === "delivered"),
    MINUTES_MS,
  );
  assert.deepEqual(
    [...ledger.accepted].filter((id) => inbox.get(id)?.times !== 1 || !sink.taken("/clean").has(id)),
    [],
  );
  await disturb(life.child, { clockMs: COMPARED_AFTER_MS });
  assert.deepEqual(await miscounted(join(folder, "state"), local, inbox, 1), { off: 0, wrong: [] });
  life.child.kill("SIGTERM");
  await life.ended;
});

test.run();
