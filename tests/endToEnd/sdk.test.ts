// group: shared 1
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { type Fault, startDetour, startProxy } from "../sdk/detour.ts";
import {
  type Ended,
  type InstalledPython,
  installPacked,
  installWheel,
  oldestNode,
  runProgram,
} from "../sdk/install.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
  webhooksAt,
} from "../support/platform.ts";

/** One conformance table for every SDK: each as it is published, against the running platform, over a way on which things go wrong. */
interface Case {
  readonly name: string;
  readonly do: string;
  readonly faults?: readonly Fault[];
  readonly expect?: unknown;
  readonly requests?: number | "2 or more";
  /** Seconds between the first two requests, at least. */
  readonly waited?: number;
  readonly one_key?: true;
  readonly stored?: number;
  readonly proxied?: true;
  readonly how?: "end" | "SIGTERM";
  readonly webhook?: {
    readonly secrets: readonly string[];
    readonly body?: string;
    readonly before?: string;
    readonly without?: string;
    readonly timestamp?: string;
    readonly clock?: number;
    readonly tolerance?: number;
  };
}
const { cases } = JSON.parse(readFileSync(new URL("../../sdk/conformance.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};
/** Other runtimes of the SDK for TypeScript: tried where a folder of modules has them, docs/decisions/sdk-runtimes.md. */
const { TRIGGERS_RUNTIMES } = process.env;
const others = ["Deno", "Bun", "Workers"] as const;
const clients = [
  ...(["TypeScript", "Python", "Python with asyncio"] as const),
  ...(TRIGGERS_RUNTIMES === undefined ? [] : others),
];
type Client = (typeof clients)[number];
/**
 * With asyncio a batch is closed before its loop ends, and a worker has no end of its own: both leave out the cases of an exit. The case of
 * a proxy is one for Node.js: the other runtimes take theirs from the environment.
 */
const can = (client: Client, { do: call, proxied }: Case): boolean =>
  !(["Python with asyncio", "Workers"].includes(client) && call === "exit") &&
  !((others as readonly string[]).includes(client) && proxied === true);

/** The example of the Standard Webhooks specification, signed with its `standardwebhooks` library. */
const SIGNED = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};

function signedOf({ secrets, body, before = "", without, timestamp, clock = 0, tolerance }: Required<Case>["webhook"]) {
  const headers: Record<string, string> = {
    "Webhook-Id": SIGNED.id,
    "webhook-timestamp": timestamp ?? String(SIGNED.timestamp),
    "webhook-signature": before + SIGNED.signature,
  };
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== without)),
    body: body ?? SIGNED.body,
    secrets,
    now: SIGNED.timestamp + clock,
    tolerance,
  };
}

/** For a machine that does much else. */
const LONG_MS = 240_000;
const test = suite("the SDKs");
const folder = mkdtempSync(join(tmpdir(), "triggers-sdk-"));
let platform: SharedPlatform;
let customer: Customer;
let detour: Awaited<ReturnType<typeof startDetour>>;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let python: InstalledPython | undefined;
/** How to run a client's cases; undefined where its language is not on this machine. */
const runners: Partial<Record<Client, (input: string, onOutput?: Parameters<typeof runProgram>[4]) => Promise<Ended>>> =
  {};
const results = new Map<string, unknown>();
/** Number of stored events by type. */
let stored: ReadonlyMap<string, number>;

const nameOf = (client: Client, index: number): string => `${client.replaceAll(/\W+/g, "_").toLowerCase()}_${index}`;
const typeOf = (client: Client, index: number): string => `conformance.${nameOf(client, index)}`;

const withType = <T>(value: T, type: string): T => JSON.parse(JSON.stringify(value).replaceAll("$type", type));

function given(client: Client, one: Case, index: number) {
  const type = typeOf(client, index);
  const url = detour.way(nameOf(client, index), one.faults ?? []);
  const context = { type, url, api_key: customer.api_key, proxy: proxy.url };
  return {
    ...withType(one, type),
    ...context,
    ...(one.webhook === undefined ? {} : { signed: signedOf(one.webhook) }),
  };
}

async function runAll(client: Client): Promise<void> {
  const runner = runners[client]!;
  const all = cases.map((one, index) => ({ one, index })).filter(({ one }) => can(client, one));
  // One run for all, but for programs that end, and for the proxy, which needs a newer Node.js.
  const alone = ({ one }: (typeof all)[number]) => one.do === "exit" || one.proxied === true;
  const run = async (some: typeof all): Promise<void> => {
    const input = JSON.stringify(some.map(({ one, index }) => given(client, one, index)));
    const { code, stdout, stderr } = await runner(input, (written, kill) => {
      if (some[0]!.one.how === "SIGTERM" && written.includes("added")) kill("SIGTERM");
    });
    if (some[0]!.one.do === "exit") {
      results.set(`${client} ${some[0]!.index}`, { stopped: code !== 0, stderr });
      return;
    }
    assert.ok(stdout.startsWith("["), `${client} failed: ${stdout}${stderr}`);
    for (const [at, result] of (JSON.parse(stdout) as unknown[]).entries())
      results.set(`${client} ${some[at]!.index}`, result);
  };
  await Promise.all([run(all.filter((one) => !alone(one))), ...all.filter(alone).map((one) => run([one]))]);
}

async function countStored(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = `event_type=conformance.**&limit=1000${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
    const { json } = await call(platform.url, "GET", `/inbox?${query}`, { key: customer.api_key });
    for (const { event_type } of json.events) counts.set(event_type, (counts.get(event_type) ?? 0) + 1);
    cursor = json.next_cursor;
  }
  return counts;
}

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform, { limit_per_second: 100_000 });
  [detour, proxy] = await Promise.all([startDetour(platform.url), startProxy()]);
  const node = await oldestNode();
  const runner = (name: string) => join(import.meta.dirname, "../sdk", name);
  const undici = join(import.meta.dirname, "../../node_modules/undici/index.js");
  const [sdk, wheel] = await Promise.all([
    installPacked("sdk/typescript", join(folder, "npm")),
    installWheel(join(folder, "python")),
  ]);
  const args = [runner("runner.mjs"), join(sdk, "dist/index.js"), undici];
  runners.TypeScript = (input, onOutput) =>
    runProgram(input.includes('"proxy":true') ? process.execPath : node, args, input, {}, onOutput);
  if (TRIGGERS_RUNTIMES !== undefined) {
    const at = (name: string) => join(TRIGGERS_RUNTIMES, name);
    const by =
      (program: string, first: readonly string[]): NonNullable<(typeof runners)[Client]> =>
      (input, onOutput) =>
        runProgram(program, [...first, ...args], input, {}, onOutput);
    runners.Deno = by(at(".bin/deno"), ["run", "--allow-all", "--no-config"]);
    runners.Bun = by(at(".bin/bun"), []);
    const workers = [runner("workers.mjs"), at("miniflare/dist/src/index.js"), join(sdk, "dist/index.js")];
    runners.Workers = (input) => runProgram(process.execPath, workers, input);
  }
  python = wheel;
  if (wheel !== undefined) {
    const env = { PYTHONPATH: wheel.folder };
    runners.Python = (input, onOutput) => runProgram(wheel.python, [runner("runner.py"), "sync"], input, env, onOutput);
    runners["Python with asyncio"] = (input) => runProgram(wheel.python, [runner("runner.py"), "async"], input, env);
  }
  await Promise.all(clients.filter((client) => runners[client] !== undefined).map(runAll));
  // Events may be listed in another order than they were accepted in. Where some never are, each of their cases says so.
  await call(platform.url, "POST", "/events", { key: customer.api_key, body: { event_type: "conformance.end" } });
  const listed = (counts: typeof stored) =>
    counts.has("conformance.end") &&
    [...results.keys()].every((name) => {
      const [client, index] = name.split(/ (?=\d+$)/) as [Client, string];
      return (counts.get(typeOf(client, Number(index))) ?? 0) >= (cases[Number(index)]!.stored ?? 0);
    });
  stored = await eventually(countStored, listed, LONG_MS).catch(countStored);
});
test.after(async () => {
  await Promise.all([detour.close(), proxy.close()]);
  rmSync(folder, { recursive: true, force: true });
});

for (const client of clients)
  for (const [index, one] of cases.entries())
    if (can(client, one))
      test(`${client}: ${one.name}`, () => {
        if (runners[client] === undefined)
          return assert.equal(process.env.CI, undefined, "python3, from 3.10, is needed to try the SDK for Python");
        const result = results.get(`${client} ${index}`);
        if (one.do === "exit") assert.deepEqual(result, { stopped: one.how === "SIGTERM", stderr: "" });
        else assert.deepEqual(result, withType(one.expect, typeOf(client, index)));
        const seen = detour.seen(nameOf(client, index));
        if (one.requests === "2 or more") assert.ok(seen.length >= 2, "requests");
        else if (one.requests !== undefined) assert.equal(seen.length, one.requests, "requests");
        if (one.one_key)
          assert.deepEqual([...new Set(seen.map(({ key }) => key))], [seen[0]!.key ?? "a key"], "one key");
        if (one.waited !== undefined)
          assert.ok(seen[1]!.at - seen[0]!.at >= one.waited * 1_000, `waited ${seen[1]!.at - seen[0]!.at} ms`);
        if (one.stored !== undefined) assert.equal(stored.get(typeOf(client, index)) ?? 0, one.stored, "events");
        if (one.proxied) assert.ok(proxy.hosts.length > 0);
      });

/** Code of a README, block by block. */
const blocks = (readme: string, language: string): string[] =>
  [...readFileSync(new URL(`../../sdk/${readme}`, import.meta.url), "utf8").matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!);

/** What the examples of the README take for granted. */
const GIVEN = `
import type { Triggers } from "@triggers/sdk";
declare global {
  const triggers: Triggers;
  const process: { readonly env: Record<string, string | undefined> };
  const event_id: string;
  const order: { readonly id: number };
  const orders: readonly object[];
  function report(error: unknown): void;
  function retryLater(event: object, key: string | undefined): void;
  function handle(id: string, payload: unknown): Promise<void>;
}
`;

test("the published package has the types of the contract, for a program and for the README", async () => {
  // They stand beside what was installed, so that names lead there.
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, "npm", name), text);
    return join(folder, "npm", name);
  };
  const consumer = readFileSync(join(import.meta.dirname, "../sdk/consumer.mts"), "utf8");
  const examples = blocks("typescript/README.md", "ts").filter((code) => !code.includes('from "undici"'));
  const files = [write("consumer.mts", consumer), write("given.d.mts", GIVEN)];
  for (const [at, code] of examples.entries())
    files.push(write(`readme${at}.mts`, `${code}\ndeclare const event: object;\nexport {};\n`));
  const compiler = join(import.meta.dirname, "../../node_modules/typescript7/bin/tsc");
  const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable,esnext.disposable"];
  const args = [compiler, ...flags, "--module", "nodenext", ...files];
  const { code, stdout } = await runProgram(process.execPath, args, "", {}, undefined, folder);
  assert.deepEqual([code, stdout], [0, ""]);
});

test("the first example of each README sends an event", async () => {
  const env = { TRIGGERS_API_KEY: customer.api_key, TRIGGERS_URL: platform.url };
  const [script] = blocks("typescript/README.md", "ts");
  writeFileSync(join(folder, "npm/first.mjs"), `${script}\nconsole.log(event_id);\n`);
  const sent = await runProgram(process.execPath, [join(folder, "npm/first.mjs")], "", env);
  assert.match(sent.stdout, /^evt_\w{26}\n$/, sent.stderr);
  if (python === undefined)
    return assert.equal(process.env.CI, undefined, "python3, from 3.10, is needed to try the SDK for Python");
  const [first, ...others] = blocks("python/README.md", "python");
  const told = await runProgram(python.python, ["-"], first!, { ...env, PYTHONPATH: python.folder });
  assert.match(told.stdout, /^evt_\w{26}\n$/, told.stderr);
  const parse = "import ast, json, sys; [ast.parse(one) for one in json.load(sys.stdin)]";
  const parsed = await runProgram(python.python, ["-c", parse], JSON.stringify(others));
  assert.deepEqual([parsed.code, parsed.stderr], [0, ""]);
});

test("a webhook of the platform itself is verified while its secret is being replaced, and not by another secret", async () => {
  const as = (method: string, path: string, body?: unknown) =>
    call(platform.url, method, path, { key: customer.api_key, body });
  const path = `/sdk/${Date.now()}`;
  const { subscription_id, signing_secret: old } = (
    await as("POST", "/subscriptions", { webhook_url: platform.sinkUrl + path, event_selector: "sdk.verified" })
  ).json;
  const { signing_secret: fresh } = (
    await as("POST", `/subscriptions/${subscription_id}/rotate-secret`, { overlap_seconds: 60 })
  ).json;
  assert.equal((await as("POST", `/subscriptions/${subscription_id}/test`)).status, 200);
  const [webhook] = await eventually(
    () => webhooksAt(platform, path),
    ({ length }) => length > 0,
    LONG_MS,
  );
  const { body, headers } = webhook!;
  const now = Number(headers["webhook-timestamp"]);
  const signed = (secret: string) => ({ do: "verify", signed: { body, headers, secrets: [secret], now } });
  const strange = `whsec_${Buffer.alloc(32).toString("base64")}`;
  for (const client of clients) {
    const runner = runners[client];
    if (runner === undefined) continue;
    const { stdout, stderr } = await runner(JSON.stringify([old, fresh, strange].map(signed)));
    const value = JSON.parse(body);
    assert.deepEqual(JSON.parse(stdout || stderr), [{ value }, { value }, { error: "no_match" }], client);
  }
});

test.run();
