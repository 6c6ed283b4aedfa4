// group: own platform 3
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import type { LocalFile } from "../../local/platform/state.ts";
import { BACKGROUND } from "../../local/priority.ts";
import { eventually } from "../support/eventually.ts";
import { listeningPorts } from "../support/listening.ts";
import { call } from "../support/platform.ts";
import { startProcess } from "../support/process.ts";
import { openSocket } from "../support/watcher.ts";

const test = suite("npm start");
let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "triggers-start-"));
});
test.after.each(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The folder and those in it that other users of the machine could enter or list. */
const openToOthers = (root: string): string[] =>
  [root, ...readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => join(root, name))].filter((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isDirectory() === true && (found.mode & 0o077) !== 0;
  });

/** What it says after its first line. */
const afterStarting = (output: string): string => output.replace(/^starting: [^\n]*\n/, "");

/** Names of a process's threads that wait for the others where processors are short, as far as Linux keeps them. */
const steppedBack = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`)
    .filter((thread) => getPriority(Number(thread)) === BACKGROUND)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim());

/** No port on which it listens can be a webhook, but for those that stand for the world outside. */
async function refusesItsPorts(local: LocalFile): Promise<void> {
  const outside = [local.sink_url, local.outbox_url!].map((url) => Number(new URL(url).port));
  const own = listeningPorts(local.pid).filter((port) => !outside.includes(port));
  // The public server, the gateway, PostgreSQL, Redis, and the page on which people sign in.
  assert.ok(own.length >= 5 && own.includes(Number(new URL(local.url).port)), own.join(" "));
  for (const port of own)
    for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
      const body = { webhook_url: `http://${host}:${port}/`, event_selector: "never" };
      const { status, json } = await call(local.url, "POST", "/subscriptions", { key: local.sandbox_key, body });
      assert.deepEqual([port, host, status, json.error?.code], [port, host, 422, "webhook_url_forbidden"]);
    }
}

test("the start prints its URL and the sandbox key, writes local.json, takes none of its ports for a webhook, drains on SIGINT, and carries on at the next start", async () => {
  const state = join(folder, "state");
  const started = startProcess({
    state,
    command: ["npm", "start", "--silent"],
    env: { TRIGGERS_ACCEPT_FIRST: "yes" },
  });
  const local = await started.ready;
  const lines = started.output().split("\n");
  assert.match(lines[0]!, /^starting: /);
  const at = lines.findIndex((line) => line.startsWith("ready "));
  assert.deepEqual([lines[at], lines[at + 1]], [`ready ${local.url}`, local.sandbox_key]);
  assert.equal(lines.filter((line) => line.startsWith("ready ")).length, 1);
  assert.deepEqual(Object.keys(local), [
    ...["url", "api_key", "sandbox_key", "operator_key"],
    ...["sink_url", "console_url", "outbox_url", "pid"],
  ]);
  assert.match(local.api_key, /^trg_live_/);
  assert.match(local.sandbox_key, /^trg_sandbox_/);
  for (const secret of [local.api_key, local.operator_key]) assert.ok(!started.output().includes(secret));
  assert.deepEqual(openToOthers(state), []);
  if (process.platform === "linux")
    assert.match(readFileSync(`/proc/${local.pid}/environ`, "utf8"), /MALLOC_MMAP_THRESHOLD_=262144\0/);

  const body = { event_type: "order.created", id: 1 };
  const accepted = await call(local.url, "POST", "/events", { key: local.api_key, body });
  assert.equal(accepted.status, 202);
  if (getPriority() >= BACKGROUND)
    process.stdout.write(`begun with niceness ${getPriority()}: whether threads step back is not looked at\n`);
  else if (process.platform === "linux") {
    // The event that was accepted starts a thread of route.
    const isThere = (back: readonly string[]) => back.includes("route");
    const back = await eventually(() => steppedBack(local.pid), isThere, 60_000);
    assert.ok(back.includes("dynamodb"), back.join(" "));
    assert.ok(
      !back.some((name) => /^redis|ingest|edge/.test(name)) && getPriority(local.pid) < BACKGROUND,
      back.join(" "),
    );
  }
  const ticketOf = async (url: string) =>
    (await call(url, "POST", "/live/tickets", { key: local.api_key })).json as Record<"ticket" | "url", string>;
  const used = await ticketOf(local.url);
  const watcher = await openSocket(`${used.url}?ticket=${used.ticket}`);
  process.kill(local.pid, "SIGINT");
  await started.ended;
  assert.notEqual(watcher.closed, undefined);
  assert.match(started.output(), /\nstopping: finishing what is under way[^\n]*\n(.*\n)*stopped\n$/);
  assert.equal(existsSync(join(state, "holder.json")), false);

  // The next start carries on: same keys, and the event is there.
  const again = startProcess({ state });
  const next = await again.ready;
  assert.deepEqual(
    [next.api_key, next.sandbox_key, next.operator_key, next.sink_url],
    [local.api_key, local.sandbox_key, local.operator_key, local.sink_url],
  );
  const read = await call(next.url, "GET", `/events/${accepted.json.event_id}`, { key: next.api_key });
  assert.deepEqual([read.status, read.json?.payload], [200, body]);

  // Who watched comes back with the last event that it knows. A ticket that let in before lets nobody in now.
  const missed = await call(next.url, "POST", "/events", { key: next.api_key, body: { event_type: "order.paid" } });
  const another = await ticketOf(next.url);
  await assert.rejects(openSocket(`${another.url}?ticket=${used.ticket}`), /refused: 401/);
  const back = await openSocket(`${another.url}?ticket=${another.ticket}`);
  await back.subscribe({ subscribe: "events", after: accepted.json.event_id });
  await back.until("missed event", ({ event_id }) => event_id === missed.json.event_id, 60_000);
  back.close();

  // A second process keeps its hands off the state that the first one uses.
  const second = startProcess({ state });
  assert.equal(await second.ended, 1);
  const { started_at } = JSON.parse(readFileSync(join(state, "holder.json"), "utf8")) as { started_at: string };
  assert.equal(
    afterStarting(second.output()),
    `\nThe state in ${state} is in use by process ${next.pid}, which began at ${started_at}.\nStop that one first, or set TRIGGERS_STATE to another folder.\n`,
  );
  if (process.platform === "linux") await refusesItsPorts(next);
  again.child.kill("SIGTERM");
  assert.equal(await again.ended, 0);
});

test("a port that is taken is named, with a way out", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const started = startProcess({ state: folder, port });
  assert.equal(await started.ended, 1);
  other.close();
  assert.equal(
    afterStarting(started.output()),
    `\nPort ${port} is taken by another program.\nStop that one, or choose another port: PORT=${port + 1} npm start\n`,
  );
});

test("state of another version is not touched, and `triggers start --fresh` begins anew", async () => {
  writeFileSync(join(folder, "state.json"), JSON.stringify({ version: 0, receiver_port: 0 }));
  const started = startProcess({ state: folder });
  assert.equal(await started.ended, 1);
  assert.equal(
    afterStarting(started.output()),
    `\nThe state in ${folder} was written by another version of the platform (state version 0, this one reads 2).\nStart that version, or set TRIGGERS_STATE to another folder. "npm start -- --fresh" begins anew here, and deletes every event and key in it.\n`,
  );
  assert.equal(JSON.parse(readFileSync(join(folder, "state.json"), "utf8")).version, 0);
  // By the CLI, which passes the signal on and waits for the platform.
  const fresh = startProcess({ state: folder, command: [process.execPath, "cli/src/main.ts", "start", "--fresh"] });
  const local = await fresh.ready;
  assert.equal((await call(local.url, "GET", "/health")).status, 200);
  fresh.child.kill("SIGTERM");
  assert.equal(await fresh.ended, 0);
  assert.match(fresh.output(), /\nstopped\n$/);
});

test("--fresh leaves a folder alone that is not the platform's", async () => {
  writeFileSync(join(folder, "thesis.txt"), "years of work");
  const started = startProcess({ state: folder, args: ["--fresh"] });
  assert.equal(await started.ended, 1);
  assert.match(started.output(), /holds other files than the platform's state: --fresh leaves it alone\.\n$/);
  assert.equal(readFileSync(join(folder, "thesis.txt"), "utf8"), "years of work");
});

test("with a Node.js that is too old the start says which version is needed", async () => {
  const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })";
  const command = [process.execPath, "--import", `data:text/javascript,${encodeURIComponent(old)}`, "local/start.mjs"];
  const started = startProcess({ state: folder, command });
  assert.equal(await started.ended, 1);
  assert.equal(
    afterStarting(started.output()),
    'The platform needs Node.js 24, this is 18.20.0.\nStart it with "npm start", which uses the Node.js that "npm install" put into node_modules.\n',
  );
});

test("a PORT that is no port is refused", async () => {
  const started = startProcess({ state: folder, port: 70_000 });
  assert.equal(await started.ended, 1);
  assert.equal(afterStarting(started.output()), '\nPORT must be a number from 0 to 65535, not "70000".\n');
});

test("the start refuses an unknown option, and lists the known ones", async () => {
  const started = startProcess({ state: folder, args: ["--port", "0"] });
  assert.equal(await started.ended, 2);
  assert.equal(
    afterStarting(started.output()),
    `Unknown option '--port'.\nOptions are: --fresh, --regions <value>, --quotas <value>. PORT=8081 npm start sets the port, TRIGGERS_STATE the folder of the state.\n`,
  );
});

test.run();
