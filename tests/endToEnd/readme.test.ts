// group: own platform 3
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import { newCustomer, sharedPlatform } from "../support/platform.ts";

const test = suite("README.md");
const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const run = promisify(execFile);

test("the first event of the README arrives at the receiver and in the inbox", async () => {
  const platform = await sharedPlatform();
  const { api_key } = await newCustomer(platform);
  const folder = mkdtempSync(join(tmpdir(), "triggers-readme-"));
  const file = join(folder, "local.json");
  writeFileSync(file, JSON.stringify({ api_key, sink_url: platform.sinkUrl }));
  const block = /<!-- first event -->\n```sh\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  // Only the addresses are this test's own.
  const script = block.replaceAll("http://127.0.0.1:8080", platform.url).replaceAll("./.triggers/local.json", file);
  const { stdout } = await run("bash", ["-euc", script]);
  const [subscription, accepted, requests, inbox] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(subscription.workflow_id, "hello");
  assert.equal(accepted.status, "accepted");
  const [event] = inbox.events;
  assert.deepEqual(
    [event.event_id, event.status, event.payload],
    [accepted.event_id, "delivered", { event_type: "order.created", order: 42 }],
  );
  const webhook = requests.requests.find(({ body }: { body: string }) => body.includes(accepted.event_id));
  assert.deepEqual(JSON.parse(webhook.body)[0].payload, event.payload);
  rmSync(folder, { recursive: true });
});

test("every npm script that it names exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = [...readme.matchAll(/npm (?:run (?:--\S+ )*(\w\S*?)|(start|test))\b/g)].map(
    ([, script, short]) => script ?? short,
  );
  assert.ok(named.length > 5);
  for (const name of named) assert.ok(scripts[name as string] !== undefined, `there is no script "${name}"`);
});

test("every file and folder that it links to exists", () => {
  const links = [...readme.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path]) => path as string);
  assert.ok(links.length > 10);
  for (const path of links) assert.ok(existsSync(join(root, path)), `${path} does not exist`);
});

test.run();
