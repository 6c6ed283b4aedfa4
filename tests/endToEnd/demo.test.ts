// group: own platform 3
import assert from "node:assert/strict";
import { suite } from "uvu";
import { ArchiveReader } from "../../local/product/demo/archive.ts";
import { ApiClient } from "../../local/product/demo/client.ts";
import { runDemo } from "../../local/product/demo/flow.ts";
import { newCustomer, sharedPlatform } from "../support/platform.ts";

const test = suite("the demo");

test("every genuine payload, sent singly and in batches, is in inbox, webhooks and archive byte for byte", async () => {
  const platform = await sharedPlatform();
  const { api_key } = await newCustomer(platform);
  const { outputs, sinkUrl, url } = platform;
  const archive = new ArchiveReader(platform.aws(), String(outputs.archiveBucket), new Date(0));
  const rows = await runDemo({ api: new ApiClient(url, api_key), sinkUrl, archive, run: "test", patienceMs: 60_000 });
  archive.close();
  assert.ok(rows.length === 12 && rows.every(({ expected }) => expected > 0), JSON.stringify(rows));
  assert.deepEqual(
    rows.map(({ what, found }) => [what, found]),
    rows.map(({ what, expected }) => [what, expected]),
  );
});

test.run();
