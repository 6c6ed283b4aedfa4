// group: own platform 1
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { call, newCustomer } from "../support/platform.ts";
import { runScript } from "../support/process.ts";

const test = suite("npm run pepper, npm run sealing");
let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "triggers-pepper-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const start = (): Promise<Platform> => startPlatform({ state: folder, port: 0, log: () => {} });
/** The commands as a person types them. */
const pepper = (...args: string[]) => runScript("operations/pepper.ts", args, { TRIGGERS_STATE: folder });
const sealing = (...args: string[]) => runScript("operations/sealing.ts", args, { TRIGGERS_STATE: folder });
const opens = async (platform: Platform, key: string): Promise<number> =>
  (await call(platform.url, "GET", "/inbox?limit=1", { key })).status;

/** Follows a text that was sealed before through a change of keys. */
async function sealAnew(platform: Platform, subscriptionId: string): Promise<void> {
  assert.deepEqual(await sealing("use", "--settle-seconds", "0"), {
    code: 0,
    text: "new texts are sealed by key 2; now: npm run sealing -- seal\n",
  });
  assert.equal((await sealing()).text, "key 1: 2 texts\nkey 2 (current): 0 texts\n");
  const early = await sealing("retire", "1", "--settle-seconds", "0");
  assert.deepEqual(early, { code: 1, text: "nothing changed: 2 text(s) need key 1: seal them anew first\n" });
  assert.deepEqual(await sealing("seal"), { code: 0, text: "2 texts sealed anew\n" });
  assert.deepEqual(await sealing("retire", "1", "--settle-seconds", "0"), { code: 0, text: "key 1 is gone\n" });
  const { status, json } = await call(platform.url, "POST", `/subscriptions/${subscriptionId}/test`, {
    key: platform.apiKey,
    body: {},
  });
  assert.deepEqual([status, json.delivered, json.request.headers.authorization], [200, true, "***"]);
  const received = (await (await fetch(`${platform.sinkUrl}/requests?path=/sealed`)).json()) as {
    requests: { headers: Record<string, string> }[];
  };
  assert.equal(received.requests.at(-1)?.headers.authorization, "Bearer downstream");
}

test("a new pepper and a new sealing key come, every key and text goes on opening, and the old ones go when nothing needs them", async () => {
  const first = await start();
  const customer = await newCustomer(first, { name: "Before" });
  const made = await call(first.url, "POST", "/subscriptions", {
    key: first.apiKey,
    body: {
      workflow_id: "sealed",
      webhook_url: `${first.sinkUrl}/sealed`,
      event_selector: "never",
      headers: { authorization: "Bearer downstream" },
    },
  });
  assert.equal(made.status, 201);
  assert.deepEqual(await sealing("add"), { code: 0, text: "key 2 added; in 600 s: npm run sealing -- use\n" });
  await first.stop();

  // A new start, so that nobody has read peppers or ring yet: what takes ten minutes elsewhere is settled at once.
  const platform = await start();
  try {
    assert.deepEqual(await pepper("add"), { code: 0, text: "version 2 added; in 600 s: npm run pepper -- use\n" });
    const early = await pepper("use");
    assert.equal(early.code, 1);
    assert.match(early.text, /^nothing changed: the secret was written \d+ s ago: try again in \d+ s/);
    assert.deepEqual(await pepper("use", "--settle-seconds", "0"), {
      code: 0,
      text: "new keys are stored under version 2, and the operator's is\n",
    });

    // Old keys and the operator's open; a new one is stored under the new version and opens too.
    assert.deepEqual(
      await Promise.all([customer.api_key, platform.apiKey, platform.sandboxKey].map((key) => opens(platform, key))),
      [200, 200, 200],
    );
    const newer = await newCustomer(platform, { name: "After" });
    assert.equal(await opens(platform, newer.api_key), 200);
    await sealAnew(platform, made.json.subscription_id);
    assert.match((await pepper()).text, /^version 1: 4 keys, of cus_\w+, cus_\w+\nversion 2 \(current\): 3 keys, of /);

    const needed = await pepper("retire", "1", "--settle-seconds", "0");
    assert.equal(needed.code, 1);
    assert.match(needed.text, /^nothing changed: 4 key\(s\) need version 1: of cus_\w+, cus_\w+\. /);
    const [kept, ...others] = [customer.api_key, customer.sandbox_key, platform.apiKey, platform.sandboxKey];
    const keyId = (key: string) => `key_${key.split("_")[2]}`;
    const rotated = await call(platform.url, "POST", `/keys/${keyId(kept!)}/rotate`, {
      key: kept!,
      body: { overlap_seconds: 0 },
    });
    assert.equal(rotated.status, 200);
    // A live key revokes its customer's sandbox key; the demo customer's own goes last.
    for (const [by, gone] of [
      [rotated.json.api_key, others[0]],
      [platform.apiKey, others[2]],
      [platform.apiKey, others[1]],
    ])
      assert.equal((await call(platform.url, "DELETE", `/keys/${keyId(gone!)}`, { key: by! })).status, 204);
    assert.deepEqual(await pepper("retire", "1", "--settle-seconds", "0"), { code: 0, text: "version 1 is gone\n" });

    assert.deepEqual(
      await Promise.all([rotated.json.api_key, newer.api_key].map((key) => opens(platform, key))),
      [200, 200],
    );
    assert.equal(await opens(platform, kept!), 401);
    assert.equal((await newCustomer(platform, { name: "Last" })).customer_id.startsWith("cus_"), true);
  } finally {
    await platform.stop();
  }
});

test.run();
