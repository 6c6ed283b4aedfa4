// group: shared 3
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { type Detour, startDetour, startWire } from "../sdk/detour.ts";
import { type Ended, installPacked, oldestNode, runProgram } from "../sdk/install.ts";
import { eventually } from "../support/eventually.ts";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The program `triggers` as it is published, installed into an empty folder, on the oldest Node.js here. */
const test = suite("the CLI");
/** For a machine that does much else. */
const LONG_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), "triggers-cli-"));
const exportOf = (name: string) => join(import.meta.dirname, "../cli/exports", `${name}.json`);
let platform: SharedPlatform;
let customer: Customer;
let detour: Detour;
let node: string;
let program: string;
/** Its home: nothing of this machine's user is read or written. */
let env: Record<string, string>;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  detour = await startDetour(platform.url);
  node = await oldestNode();
  program = join(await installPacked("cli", join(folder, "npm")), "dist/triggers.js");
  env = {
    TRIGGERS_CONFIG: join(folder, "config"),
    TRIGGERS_STATE: join(folder, "none"),
    TRIGGERS_API_KEY: customer.api_key,
    TRIGGERS_URL: detour.way("cli", []),
    NO_COLOR: "1",
  };
});
test.after(async () => {
  await detour.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], input = "", more: Record<string, string> = {}): Promise<Ended> =>
  runProgram(node, [program, ...args], input, { ...env, ...more });
const json = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await run([...args, "--json"]);
  assert.equal(stderr, "");
  return { code, answer: JSON.parse(stdout) };
};
const api = (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key: customer.api_key, ...defined({ body }) });

test("without a key it says what to do, and for a wrong command line it suggests the right one", async () => {
  const bare = { TRIGGERS_API_KEY: "", TRIGGERS_URL: "" };
  const [noKey, asJson, unknown, version, start] = await Promise.all([
    run(["status"], "", bare),
    run(["status", "--json"], "", bare),
    run(["sned"]),
    run(["--version"]),
    runProgram(node, [program, "start"], "", env, undefined, folder),
  ]);
  assert.deepEqual([start.code, /started in a checkout/.test(start.stderr)], [2, true]);
  assert.equal(noKey.code, 3);
  assert.match(noKey.stderr, /^triggers: There is no key\. Run "triggers login"/);
  assert.equal(JSON.parse(asJson.stderr).error.code, "command");
  assert.deepEqual([unknown.code, /did you mean `send`/.test(unknown.stderr)], [2, true]);
  assert.deepEqual([version.code, version.stdout.trim()], [0, "0.1.0"]);
});

test("login keeps a key that works for its address, where only its owner reads it, and prints it nowhere", async () => {
  const url = platform.url;
  const bare = { TRIGGERS_API_KEY: "", TRIGGERS_URL: "" };
  const asked = await run(["login", "--url", url], "", bare);
  assert.deepEqual([asked.code, /--key-stdin/.test(asked.stderr)], [2, true]);
  const wrong = await run(["login", "--url", url, "--key-stdin"], "trg_live_nobody_nothing", bare);
  assert.deepEqual([wrong.code, /not valid/.test(wrong.stderr)], [3, true]);
  const { code, stdout, stderr } = await run(
    ["login", "--url", url, "--key-stdin", "--json"],
    `${customer.api_key}\n`,
    bare,
  );
  assert.equal(code, 0, stderr);
  const { file, ...told } = JSON.parse(stdout);
  assert.deepEqual(told, { url, environment: "live" });
  assert.ok(!`${stdout}${stderr}`.includes(customer.api_key));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const used = await run(["subscriptions", "list", "--json"], "", bare);
  assert.deepEqual([used.code, JSON.parse(used.stdout)], [0, { subscriptions: [] }]);
  // It goes nowhere else.
  const elsewhere = await run(["status", "--url", "http://127.0.0.1:9"], "", bare);
  assert.deepEqual([elsewhere.code, /no key for http:\/\/127\.0\.0\.1:9/.test(elsewhere.stderr)], [3, true]);
  chmodSync(file, 0o644);
  const open = await run(["status"], "", bare);
  assert.deepEqual([open.code, /can be read by others/.test(open.stderr)], [3, true]);
  chmodSync(file, 0o600);
});

test("send takes a file, standard input, a template, and a file with an event a line; why tells the rest", async () => {
  const file = join(folder, "event.json");
  writeFileSync(file, '{"event_type":"cli.sent","n":12345678901234567890.25}');
  const sent = await json("send", file);
  const id = sent.answer.event_id;
  const [dry, template, lines, broken, missing] = await Promise.all([
    json("send", file, "--dry-run"),
    json("send", "--template", "batch-of-three"),
    run(
      ["send", "--lines", "--json"],
      '{"event_type":"cli.line","n":1}\n\n{"event_type":5}\n{"event_type":"cli.line","n":2}\n',
    ),
    run(["send", "-"], "{"),
    run(["why", "evt_01M88FFK1QVXXRB524PVS8B7M0"]),
  ]);
  const [none, wrong] = await Promise.all([
    run(["send", join(folder, "none.json")]),
    run(["send", "--dry-run", "--data", "[5]"]),
  ]);
  assert.deepEqual([none.code, none.stderr], [2, `triggers: There is no file ${join(folder, "none.json")}.\n`]);
  assert.equal(wrong.code, 7);
  const strange = await run(["send", "--lines"], "{}\n", { TRIGGERS_API_KEY: "trg_live_nobody_nothing" });
  assert.deepEqual([strange.code, strange.stdout.split("\n")[0]], [3, "0 accepted, 1 refused"]);
  assert.equal(dry.answer.results[0].valid, true);
  assert.equal(template.answer.events.length, 3);
  assert.equal(lines.code, 5);
  const { accepted, refused } = JSON.parse(lines.stdout);
  assert.deepEqual([accepted, refused.map(({ line }: { line: number }) => line)], [2, [3]]);
  assert.deepEqual([broken.code, /not valid JSON/.test(broken.stderr)], [5, true]);
  assert.deepEqual([missing.code, /There is no event/.test(missing.stderr)], [4, true]);
  const why = await eventually(
    () => run(["why", id, "--json"]),
    ({ code }) => code === 0,
    LONG_MS,
  );
  assert.deepEqual([JSON.parse(why.stdout).status, JSON.parse(why.stdout).subscriptions], ["unmatched", []]);
  const tail = await run(["tail", "--since", "1h", "--type", "cli.sent", "--count", "1", "--json"]);
  assert.match(tail.stdout, /"n":12345678901234567890\.25/);
  const rehearsed = await eventually(
    () => json("rehearse", "cli.line"),
    ({ answer }) => answer.matched === 2,
    LONG_MS,
  );
  assert.equal(rehearsed.code, 0);
  const nothing = await json("rehearse", "--cel", "event.n > 100.0", "--type", "cli.line");
  assert.deepEqual(
    [nothing.code, nothing.answer.matched, nothing.answer.near_misses[0].because],
    [7, 0, "n 2 is not > 100"],
  );
});

test("a replay is counted first, and begins only when it is confirmed", async () => {
  const { answer } = await json("send", "--data", '[{"event_type":"cli.again"},{"event_type":"cli.again"}]');
  const ids = answer.events.map(({ event_id }: { event_id: string }) => event_id);
  await eventually(
    () => api("GET", `/events/${ids[1]}`),
    ({ status }) => status === 200,
    LONG_MS,
  );
  const asked = await run(["replay", ...ids, "--json"]);
  assert.deepEqual(
    [asked.code, JSON.parse(asked.stdout)],
    [2, { count: { events: 2, more: false }, confirmed: false }],
  );
  assert.match(asked.stderr, /add \\"--yes\\"/);
  assert.deepEqual((await api("GET", "/replays")).json.replays, []);
  const unknown = await json("replay", "evt_01M88FFK1QVXXRB524PVS8B7M0", "--yes");
  assert.deepEqual([unknown.code, unknown.answer], [4, { count: { events: 0, more: false }, confirmed: false }]);
  assert.deepEqual((await api("GET", "/replays")).json.replays, []);
  const begun = await json("replay", ...ids, "--yes");
  assert.equal((await api("GET", `/replays/${begun.answer.replay_id}`)).status, 200);
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A person's own server, at a port that it has again after it was away. */
async function ownServer(port = 0): Promise<{ port: number; received: Received[]; close(): Promise<void> }> {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(received.length === 1 ? 500 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const listen = (port: number, url: string) =>
  running(["listen", String(port), "--type", "cli.heard", "--path", "/hook"], url);

/** A command that stays, and what it wrote so far. @param around programs that it runs in, such as a terminal */
function running(
  args: readonly string[],
  url: string,
  around: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
) {
  const [command = node, ...words] = [...around, node, program, ...args];
  const child = spawn(command, words, { env: { ...process.env, ...env, TRIGGERS_URL: url, ...more } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    said: (text: string) =>
      eventually(
        () => `${stdout}${stderr}`,
        (all) => all.includes(text),
        LONG_MS,
      ),
    lines: () => stdout.split("\n").filter((line) => line !== ""),
    press: (key: string) => child.stdin.write(key),
    ended,
    kill: (signal: NodeJS.Signals) => {
      child.kill(signal);
      return ended;
    },
  };
}

test("listen passes on matching events, signed like deliveries, and loses none while it, the server or the platform is down", async () => {
  const server = await ownServer();
  const url = detour.way("listen", []);
  const first = listen(server.port, url);
  const secret = /whsec_\S+/.exec(await first.said("signing secret"))![0];
  const [subscription] = (await api("GET", "/subscriptions")).json.subscriptions;
  assert.equal(subscription.status, "disabled");
  const begun = Date.now();
  await eventually(Date.now, (now) => now - begun > 5_000);
  const send = async (n: number) =>
    (await api("POST", "/events", { event_type: "cli.heard", n })).json.event_id as string;
  const heard = (count: number) =>
    eventually(
      () => server.received.length,
      (length) => length >= count,
      LONG_MS,
    );

  const id = await send(1);
  await heard(1);
  const [{ headers, body }] = server.received as [Received];
  new Webhook(secret).verify(body, headers as Record<string, string>);
  const [event] = JSON.parse(body);
  assert.deepEqual([event.event_id, event.payload], [id, { event_type: "cli.heard", n: 1 }]);
  assert.deepEqual(
    [headers["triggers-subscription-id"], headers["triggers-attempt"], headers["user-agent"]],
    [subscription.subscription_id, "1", "triggers/1"],
  );
  // What the server answered is shown, and is its own affair.
  await first.said("500 in");

  // Sent again from the console: the same event, signed anew.
  await api("POST", "/replays", { event_ids: [id], subscription_ids: [subscription.subscription_id] });
  await heard(2);
  assert.equal(JSON.parse(server.received[1]!.body)[0].event_id, id);
  assert.match(server.received[1]!.headers["triggers-replay-id"] as string, /^rpl_/);

  // It is killed; the next start goes on.
  await first.kill("SIGKILL");
  await send(2);
  await server.close();
  const second = listen(server.port, url);
  assert.match(await second.said("signing secret"), new RegExp(secret.replaceAll(/[+/]/g, "\\$&")));
  await second.said("Nothing listens at");
  const again = await ownServer(server.port);
  // What the killed one had handed on may come once more: at least once, as everywhere.
  const numbers = () => again.received.map(({ body }) => JSON.parse(body)[0].payload.n as number);
  await eventually(numbers, (received) => received.includes(2), LONG_MS);

  // The platform is away, which it says, and comes back.
  detour.breakOff("listen", true);
  await second.said("can't be reached. What arrives there is kept");
  await send(3);
  detour.breakOff("listen", false);
  await second.said("The platform answers again");
  await eventually(numbers, (received) => received.includes(3), LONG_MS);

  assert.equal(await second.kill("SIGINT"), 0);
  assert.deepEqual((await api("GET", "/subscriptions")).json.subscriptions, []);
  await again.close();
});

/** Runs what follows in a terminal of its own, whose keys are what is written to it. */
const TERMINAL = ["python3", "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"];

test("in a terminal, keys send the last post again, copy it, open its event in the console, and end", async () => {
  const there = await runProgram("python3", ["-c", "import pty"], "").catch(() => undefined);
  if (there?.code !== 0) {
    process.stdout.write("there is no terminal of Python's on this machine: the keys of listen are not pressed\n");
    return assert.equal(process.env.CI, undefined, "CI presses the keys of listen: .ci/run installs Python");
  }
  const bin = join(folder, "opens");
  const opened = join(folder, "opened");
  mkdirSync(bin);
  for (const name of ["xdg-open", "open"])
    writeFileSync(join(bin, name), `#!/bin/sh\nprintf %s "$1" > "${opened}"\n`, { mode: 0o755 });
  const server = await ownServer();
  const terminal = running(["listen", String(server.port), "--type", "cli.keyed"], platform.url, TERMINAL, {
    PATH: `${bin}:${process.env.PATH}`,
  });
  await terminal.said("q end");
  const begun = Date.now();
  await eventually(Date.now, (now) => now - begun > 5_000);
  const { event_id } = (await api("POST", "/events", { event_type: "cli.keyed" })).json;
  const posts = (count: number) =>
    eventually(
      () => server.received.length,
      (length) => length >= count,
      LONG_MS,
    );
  await posts(1);
  await terminal.said("500 in");
  terminal.press("r");
  await posts(2);
  assert.deepEqual(server.received[1], server.received[0]);
  await terminal.said("200 in");
  terminal.press("c");
  const copied = /\]52;c;([\w+/=]+)/.exec(await terminal.said("Copied"))![1]!;
  assert.equal(Buffer.from(copied, "base64").toString(), server.received[0]!.body);
  terminal.press("o");
  const page = await eventually(
    () => (existsSync(opened) ? readFileSync(opened, "utf8") : ""),
    (text) => text !== "",
    LONG_MS,
  );
  assert.equal(page, `${platform.url}/console/events/${event_id}`);
  terminal.press("q");
  assert.equal(await terminal.ended, 0);
  assert.deepEqual((await api("GET", "/subscriptions")).json.subscriptions, []);
  await server.close();
});

test("tail gets events over a socket, loses none in a break, and polls where there is no socket", async () => {
  const wire = await startWire(platform.url);
  const tail = running(["tail", "--type", "cli.told"], wire.url);
  const numbers = () => tail.lines().map((line) => Number(/"n":(\d+)/.exec(line)?.[1]));
  const send = (n: number) => api("POST", "/events", { event_type: "cli.told", n });
  const shows = (...expected: number[]) =>
    eventually(numbers, (shown) => expected.every((n) => shown.includes(n)), LONG_MS);
  await tail.said("as they come in");
  await send(1);
  await shows(1);

  // While nothing passes, events are stored: each is shown once it can be.
  wire.become("cut");
  await tail.said("can't be reached. What arrives there is kept");
  await send(2);
  await send(3);
  wire.become("whole");
  await tail.said("The platform answers again");
  await shows(2, 3);

  wire.become("no sockets");
  await tail.said("asking every 1 s instead");
  await send(4);
  await shows(4);
  wire.become("whole");
  await tail.said("tells of events by itself again");
  await send(5);
  await shows(5);
  assert.deepEqual(numbers().sort(), [1, 2, 3, 4, 5]);
  assert.equal(await tail.kill("SIGINT"), 0);
  await wire.close();

  // A socket rings; nobody asks each second.
  const url = detour.way("tail", []);
  const idle = running(["tail", "--type", "cli.told"], url);
  await eventually(
    () => detour.seen("tail").filter(({ key }) => key !== undefined).length,
    (tickets) => tickets === 1,
    LONG_MS,
  );
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const before = detour.seen("tail").length;
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  assert.ok(detour.seen("tail").length - before <= 2, `${detour.seen("tail").length - before} requests in 5 s`);
  assert.equal(await idle.kill("SIGINT"), 0);
});

test("an import is shown before it is made, and makes subscriptions like those of the export", async () => {
  const shown = await json("import", "--from", "svix", exportOf("svix"));
  assert.deepEqual([shown.code, shown.answer.entries.length], [7, 3]);
  assert.deepEqual((await api("GET", "/subscriptions")).json.subscriptions, []);
  const file = join(folder, "secrets.json");
  const kept: string[] = [];
  for (const from of ["svix", "hookdeck", "eventbridge"]) {
    const made = await json("import", "--from", from, exportOf(from), "--apply", "--secrets", file);
    assert.deepEqual([made.code, made.answer.failed], [7, []], from);
    const ids = made.answer.entries.flatMap(
      ({ subscription_id }: { subscription_id?: string }) => subscription_id ?? [],
    );
    // Each is shown once: a later import adds to the file.
    kept.push(...ids);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, "utf8"))), kept);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }
  const { subscriptions } = (await api("GET", "/subscriptions")).json;
  assert.deepEqual(
    subscriptions.map(({ workflow_id, status }: { workflow_id: string; status: string }) => [workflow_id, status]),
    [
      ["Billing", "active"],
      ["ep_2bVQn8R0000000000000000002", "disabled"],
      ["shop -> orders", "active"],
      ["shop -> log", "disabled"],
      ["big-orders", "active"],
      ["Every return", "disabled"],
    ],
  );
});

/** Svix and Hookdeck as far as their lists go: a page an entry, told by a cursor. */
async function otherProducts() {
  const { data } = JSON.parse(readFileSync(exportOf("svix"), "utf8"));
  const { models } = JSON.parse(readFileSync(exportOf("hookdeck"), "utf8"));
  const answers = ({ pathname, searchParams }: URL): unknown => {
    const at = Number(searchParams.get("iterator") ?? searchParams.get("next") ?? 0);
    if (pathname === "/connections")
      return {
        models: [models[at]],
        pagination: { limit: 1, ...(at + 1 < models.length ? { next: `${at + 1}` } : {}) },
      };
    if (pathname.endsWith("/headers/")) return { headers: { "x-team": "core" }, sensitive: ["x-token"] };
    if (pathname.endsWith("/transformation/")) return { enabled: false, code: null };
    return { data: [data[at]], iterator: `${at + 1}`, prevIterator: null, done: at + 1 === data.length };
  };
  const server = createServer(({ url, headers }, response) => {
    const known = headers.authorization === "Bearer token";
    response.writeHead(known ? 200 : 401).end(JSON.stringify(known ? answers(new URL(url!, "http://a")) : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

/** The AWS command line, as it answers the calls that the example makes. */
const AWS = `#!${process.execPath}
const file = JSON.parse(require("node:fs").readFileSync(process.env.EXPORT, "utf8"));
const [, call, ...words] = process.argv.slice(2);
const of = (name) => words[words.indexOf(name) + 1];
const { Rules, Targets, ApiDestinations } = file;
const wanted = { Rules, "Rules[].Name": Rules.map(({ Name }) => Name).join("\t"), Targets: Targets[of("--rule")], ApiDestinations };
const value = wanted[of("--query")];
console.log(of("--output") === "text" ? value : JSON.stringify(value, null, 4));
`;

test("the examples for moving write exports of every page, which become the same subscriptions as the products' own lists", async () => {
  const others = await otherProducts();
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "aws"), AWS, { mode: 0o755 });
  const its = {
    SVIX_URL: others.url,
    SVIX_TOKEN: "token",
    SVIX_APP: "app_1",
    HOOKDECK_URL: others.url,
    HOOKDECK_API_KEY: "token",
    EXPORT: exportOf("eventbridge"),
    PATH: `${bin}:${process.env.PATH}`,
  };
  try {
    for (const [from, command, file, differs] of [
      ["svix", node, "svix.mjs", /Svix keeps the values of its headers x-token to itself/],
      ["hookdeck", node, "hookdeck.mjs", /signed by Standard Webhooks/],
      ["eventbridge", "sh", "eventbridge.sh", /signed by Standard Webhooks/],
    ] as const) {
      const written = await runProgram(command, [join(import.meta.dirname, "../../examples/moving", file)], "", its);
      assert.equal(written.code, 0, written.stderr);
      const told = async (input: string) =>
        JSON.parse((await run(["import", "--from", from, "-", "--json"], input)).stdout);
      const [made, own] = await Promise.all([told(written.stdout), told(readFileSync(exportOf(from), "utf8"))]);
      const selectors = ({ entries }: { entries: { subscription?: { event_selector: unknown } }[] }) =>
        entries.map(({ subscription }) => subscription?.event_selector);
      assert.deepEqual([selectors(made), made.more], [selectors(own), false], from);
      assert.match(JSON.stringify(made.entries), differs);
    }
  } finally {
    others.close();
  }
});

test("keys are written into files, and never shown", async () => {
  const file = join(folder, "key");
  const made = await run(["keys", "create", "--out", file, "--scope", "events:write", "--name", "made", "--json"]);
  assert.equal(made.code, 0, made.stderr);
  const key = readFileSync(file, "utf8").trim();
  assert.ok(!made.stdout.includes(key));
  const used = await run(["send", "--data", "{}", "--key-file", file]);
  assert.equal(used.code, 0, used.stderr);
  // Where it can't be written, no key is made that nobody has.
  const before = (await api("GET", "/keys")).json.keys.length;
  const nowhere = await run(["keys", "create", "--out", folder, "--json"]);
  assert.deepEqual(
    [nowhere.code, JSON.parse(nowhere.stderr).error.message],
    [2, `${folder} is a folder; name a file.`],
  );
  assert.equal((await api("GET", "/keys")).json.keys.length, before);
  const unconfirmed = await run(["keys", "revoke", JSON.parse(made.stdout).key_id]);
  assert.equal(unconfirmed.code, 2);
  assert.equal((await json("keys", "revoke", JSON.parse(made.stdout).key_id, "--yes")).code, 0);
});

test("shell completion suggests the words that fit", async () => {
  const templates = await run(["--complete", "send", "--template", "or"]);
  assert.equal(templates.stdout, "order-created\n");
  const [commands, flags, script] = await Promise.all([
    run(["--complete", "su"]),
    run(["--complete", "send", "--id"]),
    run(["completion", "bash"]),
  ]);
  assert.equal(commands.stdout, "subscriptions\n");
  assert.match(flags.stdout, /--idempotency-key\n/);
  const shell = `triggers() { "${node}" "${program}" "$@"; }\n${script.stdout}\nCOMP_WORDS=(triggers li); COMP_CWORD=1; _triggers; echo "$COMPREPLY"`;
  const { stdout, stderr } = await runProgram("bash", ["--norc"], shell, env);
  assert.equal(stdout, "listen\n", stderr);
});

/** What completes `triggers li` in a shell, and prints it. The program stands at `$PROGRAM`; the script is in `$SCRIPT`. */
const completions = {
  // zsh completes for somebody who types: in a terminal of its own, which ends by itself where nothing is completed.
  // It also shows what is typed, so the script never types the very word that it waits for.
  zsh: String.raw`zmodload zsh/zpty
zpty shell zsh -f
zpty -w shell 'PS1= ; TMOUT=100; autoload -Uz compinit; compinit -D -u; triggers() { $PROGRAM "$@" }; eval "$SCRIPT"; echo rea\dy'
zpty -r shell line '*ready*'
zpty -n -w shell $'triggers li\t'
zpty -r shell line '*listen*'
[[ $line == *listen* ]] && print listen`,
  fish: `function triggers; $PROGRAM $argv; end
eval $SCRIPT
complete -C 'triggers li'`,
} as const;

for (const shell of ["zsh", "fish"] as const)
  test(`${shell} completes a command`, async () => {
    const there = await runProgram(shell, ["--version"], "").catch(() => undefined);
    if (there === undefined) {
      process.stdout.write(`there is no ${shell} on this machine: its completion is not run\n`);
      return assert.equal(process.env.CI, undefined, `CI completes in ${shell}: .ci/run installs it`);
    }
    const wrapper = join(folder, "program");
    writeFileSync(wrapper, `#!/bin/sh\nexec "${node}" "${program}" "$@"\n`, { mode: 0o755 });
    const { stdout: SCRIPT } = await run(["completion", shell]);
    const script = { ...env, PROGRAM: wrapper, SCRIPT, HOME: folder };
    const alone = shell === "zsh" ? "-f" : "--no-config";
    const { stdout, stderr } = await runProgram(shell, [alone, "-c", completions[shell]], "", script);
    assert.match(stdout, /^listen\b/m, stderr);
  });

test("an assistant finds, explains, rehearses, sends only to the sandbox, and replays only events that it counted", async () => {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StdioClientTransport({
      command: node,
      args: [program, "mcp"],
      env: { ...env, TRIGGERS_SANDBOX_KEY: customer.sandbox_key },
    }),
  );
  try {
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["find_events", "why", "rehearse", "metrics", "problems", "send_test_event", "replay", "search_docs", "read"],
    );
    // biome-ignore lint/suspicious/noExplicitAny: tests compare what tools answer, whatever it is
    const use = async (name: string, args: object = {}): Promise<any> => {
      const { content, isError } = await client.callTool({ name, arguments: { ...args } });
      const [{ text }] = content as [{ text: string }];
      assert.notEqual(isError, true, text);
      return JSON.parse(text);
    };
    const { event_id } = (await api("POST", "/events", { event_type: "cli.assisted", amount: 7 })).json;
    const found = await eventually(
      () => use("find_events", { event_type: ["cli.assisted"] }),
      ({ events }) => events.length > 0,
      LONG_MS,
    );
    assert.equal(found.events[0].event_id, event_id);
    const story = await use("why", { event_id });
    const billing = story.subscriptions.find(({ workflow_id }: { workflow_id: string }) => workflow_id === "Billing");
    assert.match(billing.text, /event_type "cli\.assisted" is not/);
    assert.equal((await use("rehearse", { event_type: ["cli.assisted"], cel: "event.amount > 5.0" })).matched, 1);
    assert.ok((await use("metrics", { measures: ["events"], last: "1h", interval: "none" })).totals.events >= 0);
    assert.ok(Array.isArray((await use("problems")).problems));
    assert.deepEqual((await use("read", { path: "/retention" })).days, 90);
    // Every kind of page is found, by the part that answers: reference, guide, error, SDK, command, runbook, decision.
    for (const [query, url, says] of [
      ["POST /subscriptions/rehearse", "/docs/reference/subscriptions/", /selector/],
      ["same key with another body refused", "/docs/guides/idempotency/", /idempotency_conflict/],
      ["schema_violation", "/docs/errors/", /schema/],
      ["proxies HTTP_PROXY python", "/docs/sdks/python/", /proxy/],
      ["exit codes", "/docs/cli/", /\b7\b/],
      ["WebSocket handshake refused", "/docs/operating/live/", /429/],
    ] as const) {
      const { pages } = await use("search_docs", { query, limit: 10 });
      const found = pages.find((page: { url: string; text: string }) => page.url.endsWith(url) && says.test(page.text));
      assert.ok(
        found !== undefined,
        `${query}: ${JSON.stringify(pages.map((page: { title: string; url: string }) => [page.title, page.url]))}`,
      );
    }

    const tested = await use("send_test_event", { event: { event_type: "cli.sandbox" } });
    assert.equal(tested.environment, "sandbox");
    assert.equal((await api("GET", `/events/${tested.event_id}`)).status, 404);

    const counted = await use("replay", { event_ids: [event_id] });
    assert.deepEqual(counted.count, { events: 1, more: false });
    const before = (await api("GET", "/replays")).json.replays.length;
    const strange = await client.callTool({ name: "replay", arguments: { from: "1h", confirm: counted.confirm } });
    assert.equal(strange.isError, true);
    const recounted = await use("replay", { event_ids: [event_id] });
    const begun = await use("replay", { event_ids: [event_id], confirm: recounted.confirm });
    assert.match(begun.replay_id, /^rpl_/);
    assert.equal((await api("GET", "/replays")).json.replays.length, before + 1);
    const missing = await client.callTool({ name: "why", arguments: { event_id: "evt_01M88FFK1QVXXRB524PVS8B7M0" } });
    assert.deepEqual([missing.isError, /not_found/.test(JSON.stringify(missing.content))], [true, true]);
  } finally {
    await client.close();
  }
});

test.run();
