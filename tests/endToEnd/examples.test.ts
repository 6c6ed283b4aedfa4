// group: shared 3
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { suite } from "uvu";
import { callSnippet, variableOf } from "../../console/src/snippets.ts";
import { callOf, nameOf, operationsOf } from "../../docs/site/generate/reference.ts";
import { openApi } from "../../docs/site/generate/site.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/freePort.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform, webhooksAt } from "../support/platform.ts";
import { commandsOf } from "../support/startPage.ts";

/** The code that the documentation shows, run in its own language against the platform: every file, every call, the first page. */
const test = suite("examples");
const root = join(import.meta.dirname, "../..");
let platform: SharedPlatform;
test.before(async () => {
  platform = await sharedPlatform();
});

interface Ended {
  readonly code: number;
  readonly output: string;
}

const run = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env } });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", ({ message }) => resolve({ code: 127, output: message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
    // A program may end before it has read anything.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });

const runners: Readonly<Record<string, string>> = { curl: "sh", python: "python3", node: process.execPath };
/** Whether a language is there; where CI runs, each has to be. */
async function isThere(folder: string): Promise<boolean> {
  const { code } =
    folder === "curl" ? await run("curl", ["--version"], {}) : await run(runners[folder]!, ["--version"], {});
  if (code !== 0) assert.equal(process.env.CI, undefined, `${folder} is needed to run its examples`);
  return code === 0;
}

/** What each example, in whatever language, comes to. Those that stay and listen are run by following the first page. */
const outcomes: Readonly<Record<string, (ended: Ended, world: World) => Promise<void> | void>> = {
  send: async ({ output }, { key }) => {
    const { event_id, status } = JSON.parse(output) as { event_id: string; status: string };
    assert.equal(status, "accepted");
    await eventually(
      () => call(platform.url, "GET", `/events/${event_id}`, { key }),
      ({ json }) => json.payload?.order_id === "A-1001",
      60_000,
    );
  },
  "send-many": ({ output }) =>
    assert.deepEqual(
      (JSON.parse(output) as { events: { status: string }[] }).events.map(({ status }) => status),
      ["accepted", "accepted"],
    ),
  idempotency: ({ output }) => {
    const ids = output
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event_id: string }).event_id);
    assert.equal(new Set(ids).size, 1, output);
  },
  subscribe: ({ output }) => assert.match(output, /^whsec_[\w+/=]{40,}\n?$/),
  inbox: ({ output }) => assert.match(output, /evt_[0-9A-Z]{26}/),
  rehearse: ({ output }) => assert.ok((JSON.parse(output) as { examined: number }).examined > 0, output),
  "dry-run": ({ output }) =>
    assert.equal((JSON.parse(output) as { results: { valid: boolean }[] }).results[0]!.valid, true),
  why: ({ output }) => assert.ok(Array.isArray((JSON.parse(output) as { verdicts: unknown[] }).verdicts)),
  replay: ({ output }) => assert.match((JSON.parse(output) as { replay_id: string }).replay_id, /^rpl_/),
  schema: ({ output }) => assert.equal((JSON.parse(output) as { event_type: string }).event_type, "order.created"),
  backlog: ({ output }) => assert.deepEqual((JSON.parse(output) as { events: unknown[] }).events, []),
  // Told of what the other examples send, and then it ends.
  live: ({ output }) => assert.match(output, /^evt_[0-9A-Z]{26} (pending|unmatched|delivered|failed)$/m),
};
const listening = ["receiver"];

interface World {
  readonly key: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A customer with an event and a subscription, as an example's reader may have them. */
async function world(name: string): Promise<World> {
  const { api_key: key } = await newCustomer(platform);
  const webhook_url = `${platform.sinkUrl}/examples/${name}`;
  const made = await call(platform.url, "POST", "/subscriptions", {
    key,
    body: { webhook_url: `${webhook_url}/known`, event_selector: "known" },
  });
  const sent = await call(platform.url, "POST", "/events", { key, body: { event_type: "order.created", amount: 7 } });
  await eventually(
    () => call(platform.url, "GET", `/events/${sent.json.event_id}/verdicts`, { key }),
    ({ status }) => status === 200,
    60_000,
  );
  return {
    key,
    env: {
      TRIGGERS_URL: platform.url,
      TRIGGERS_API_KEY: key,
      WEBHOOK_URL: webhook_url,
      EVENT_ID: sent.json.event_id,
      SUBSCRIPTION_ID: made.json.subscription_id,
      START: new Date(Date.now() - 60_000).toISOString(),
      COUNT: "1",
    },
  };
}

for (const folder of Object.keys(runners))
  test(`every example for ${folder} does what it says`, async () => {
    if (!(await isThere(folder))) return;
    const files = globSync(`examples/${folder}/*`, { cwd: root }).sort();
    assert.ok(files.length >= 4);
    const its = await world(folder);
    await Promise.all(
      files.map(async (file) => {
        const name = basename(file).replace(/\.\w+$/, "");
        if (listening.includes(name)) return;
        const outcome = outcomes[name];
        if (outcome === undefined) throw new Error(`nothing says what ${file} should come to`);
        const ended = await run(runners[folder]!, [file], its.env);
        assert.equal(ended.code, 0, `${file}: ${ended.output}`);
        await outcome(ended, its);
      }),
    );
  });

for (const language of ["curl", "Python", "Node.js"])
  test(`who follows the first page by the letter, with ${language}, has a signed event in code of their own`, async () => {
    if (!(await isThere({ curl: "curl", Python: "python", "Node.js": "node" }[language]!))) return;
    const page = await call(platform.url, "GET", "/docs/");
    assert.equal(page.status, 200);
    const folder = mkdtempSync(join(tmpdir(), "triggers-start-"));
    symlinkSync(join(root, "examples"), join(folder, "examples"));
    symlinkSync(platform.folder, join(folder, ".triggers"));
    const port = await freePort();
    // Only the port is this test's own: on the page it is one that is likely to be free.
    const script = commandsOf(page.text, language).join("\n").replaceAll("4000", String(port));
    const child = spawn("bash", ["-euc", script], {
      cwd: folder,
      env: { ...process.env, RECEIVER_PORT: String(port) },
      detached: true,
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    try {
      await eventually(
        () => output,
        (text) => /^verified order\.created evt_[0-9A-Z]{26}$/m.test(text) || child.exitCode === 1,
        60_000,
      );
      assert.match(output, /^verified order\.created evt_[0-9A-Z]{26}$/m);
    } finally {
      process.kill(-child.pid!, "SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });

test("an example that repeats goes on after a broken connection, and fails where no answer is a good one", async () => {
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers["idempotency-key"]);
    const [, way] = request.url!.split("/");
    if (way === "never") response.writeHead(503, { "retry-after": "0" }).end("{}");
    else if (keys.length === 1) request.resume().on("end", () => request.socket.destroy());
    else response.writeHead(202).end("taken");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const [folder, file] of [
      ["python", "examples/python/idempotency.py"],
      ["node", "examples/node/idempotency.mjs"],
    ] as const) {
      if (!(await isThere(folder))) continue;
      const at = (way: string) => ({ TRIGGERS_URL: `http://127.0.0.1:${port}/${way}`, TRIGGERS_API_KEY: "key" });
      keys.length = 0;
      const { code, output } = await run(runners[folder]!, [file], at("broken"));
      assert.deepEqual([code, output.trim(), keys.length, new Set(keys).size], [0, "taken", 2, 1], file);
      keys.length = 0;
      const never = await run(runners[folder]!, [file], at("never"));
      assert.deepEqual([never.code, keys.length, new Set(keys).size], [1, 5, 1], file);
      assert.match(never.output, /send it again under the same key/);
    }
  } finally {
    server.close();
  }
});

test("a receiver refuses a post whose signature is wrong, old or missing, and outlives what strangers send", async () => {
  for (const [folder, file] of [
    ["python", "examples/python/receiver.py"],
    ["node", "examples/node/receiver.mjs"],
  ] as const) {
    if (!(await isThere(folder))) continue;
    const port = await freePort();
    const child = spawn(runners[folder]!, [join(root, file)], {
      env: {
        ...process.env,
        SIGNING_SECRET: "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
        RECEIVER_PORT: String(port),
      },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    try {
      await eventually(
        () => output,
        (text) => text.includes("waiting"),
      );
      const now = String(Math.floor(Date.now() / 1_000));
      const post = (headers: Record<string, string>) =>
        fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: "[]" }).then(({ status }) => status);
      const signed = { "webhook-id": "m", "webhook-timestamp": now, "webhook-signature": "v1,AAAA" };
      assert.deepEqual(
        [await post({}), await post(signed), await post({ ...signed, "webhook-timestamp": "1" })],
        [401, 401, 401],
        file,
      );
      // As long as a right one in letters, and longer in bytes; a time in digits of another script; a body that breaks off.
      assert.equal(await post({ ...signed, "webhook-signature": `v1,${"\u00e9".repeat(44)}` }), 401, file);
      assert.equal(await post({ ...signed, "webhook-timestamp": "\u00b2" }), 401, file);
      const broken = connect(port, "127.0.0.1");
      broken.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf", () => broken.destroy());
      await once(broken, "close");
      assert.equal(await post(signed), 401, file);
      const none = await run(runners[folder]!, [file], { SIGNING_SECRET: "", RECEIVER_PORT: String(await freePort()) });
      assert.deepEqual([none.code, /SIGNING_SECRET is not set/.test(none.output)], [1, true], file);
    } finally {
      child.kill();
    }
  }
});

/** Calls whose object nobody can make in a moment, or that only people make: what they are answered instead. */
const otherwise: Readonly<Record<string, number>> = {
  "POST /reveal": 403,
  // The replay of one event is over.
  "POST /replays/{id}/cancel": 409,
  "POST /problems/{id}/acknowledge": 404,
  "POST /problems/{id}/mute": 404,
  "POST /problems/{id}/resolve": 404,
  "POST /problems/{id}/retry": 404,
  // The code was sent to an address that nobody here reads.
  "POST /alert-channels/{id}/verify": 422,
  "POST /alert-channels/{id}/test": 422,
  "GET /alerts/{id}": 404,
  "POST /alerts/{id}/acknowledge": 404,
  "POST /alerts/{id}/snooze": 404,
  "GET /audit/access": 404,
  "GET /links/{token}": 404,
  "POST /links/{token}": 404,
};

test("the code of every call in the reference makes the call, and is answered as it is described", async () => {
  if (!(await isThere("curl"))) return;
  const { customer_id, api_key: key } = await newCustomer(platform);
  const ask = async (method: string, path: string, body?: unknown, as = key) => {
    const answer = await call(platform.url, method, path, { key: as, ...defined({ body }) });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  const hook = (name: string) => `${platform.sinkUrl}/reference/${customer_id}/${name}`;
  const { subscription_id } = await ask("POST", "/subscriptions", {
    webhook_url: hook("a"),
    event_selector: "order.*",
  });
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const { event_id } = await ask("POST", "/events", { event_type: "order.created", amount: 1 });
  const [delivery] = await eventually(
    async () => (await ask("GET", "/deliveries")).deliveries as { delivery_id: string }[],
    (all) => all.length > 0,
  );
  await eventually(
    () => webhooksAt(platform, new URL(hook("a")).pathname),
    (all) => all.length > 0,
  );
  const incident = await ask("POST", "/incidents", { kind: "incident", title: "x" }, platform.operatorKey);
  const other = await ask("POST", "/customers", { name: "Other" }, platform.operatorKey);
  const person = await ask("POST", "/people", { email: "x@example.com", role: "auditor" });
  const ids: Record<string, string> = {
    EVENT_ID: event_id,
    SUBSCRIPTION_ID: subscription_id,
    DELIVERY_ID: delivery!.delivery_id,
    REPLAY_ID: (await ask("POST", "/replays", { event_ids: [event_id] })).replay_id,
    REQUEST_ID: (await ask("POST", "/privacy/exports", { subject: { jsonpath: "$.id", equals: "a" } })).request_id,
    ALERT_RULE_ID: (await ask("POST", "/alert-rules", { name: "x", kind: "api_down" })).rule_id,
    ALERT_CHANNEL_ID: (await ask("POST", "/alert-channels", { kind: "email", target: "a@example.com" })).channel_id,
    REPORT_ID: (await ask("POST", "/reports", { name: "x", template: "weekly" })).report_id,
    KEY_ID: (await ask("POST", "/keys", {})).key_id,
    CUSTOMER_ID: other.customer_id,
    PERSON_ID: person.person_id,
    INCIDENT_ID: incident.incident_id,
    INBOX_ID: event_id,
    TYPE: "order.created",
    NAME: "products",
    STATUS: "414",
    PROBLEM_ID: "prb_unknown",
    ALERT_ID: "alt_unknown",
  };
  await eventually(
    () => ask("GET", `/replays/${ids.REPLAY_ID}`),
    ({ status }) => status === "succeeded",
    60_000,
  );
  const operations = [...operationsOf(await openApi())].sort(
    (a, b) => Number(a.method === "DELETE") - Number(b.method === "DELETE"),
  );
  const wrong: string[] = [];
  for (const operation of operations) {
    const name = nameOf(operation);
    const operators = /^(POST|GET|PATCH|DELETE) \/(customers|incidents|health\/details)/.test(name);
    const variables = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, each]) => variableOf(operation.path, each!));
    const missing = variables.filter((variable) => ids[variable] === undefined);
    const env = {
      ...Object.fromEntries(missing.map((variable) => [variable, "unknown"])),
      ...ids,
      TRIGGERS_URL: platform.url,
      TRIGGERS_API_KEY: operators ? platform.operatorKey : key,
    };
    const text = `${callSnippet("curl", callOf(operation))} -o /dev/null -w '%{http_code}'`;
    const { output } = await run("sh", ["-s"], env, text);
    const expected = otherwise[name];
    const fits = expected === undefined ? /^2/.test(output) : output === String(expected);
    if (!fits) wrong.push(`${name}: ${output}`);
  }
  assert.deepEqual(wrong, []);
});

test.run();
