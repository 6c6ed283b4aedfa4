// group: shared 3
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { startPlatform } from "../../local/product/platform.ts";
import { eventually } from "../support/eventually.ts";
import { call, sharedPlatform } from "../support/platform.ts";

const test = suite("permissions");

test("the platform runs without a single refusal", async () => {
  const platform = await sharedPlatform();
  const { status } = await call(platform.url, "POST", "/events", {
    key: platform.sandboxKey,
    body: { event_type: "a" },
  });
  assert.equal(status, 202);
  assert.deepEqual(
    platform.lines.filter((line) => line.includes("AccessDenied")),
    [],
  );
});

test("without one permission of one role, events fail loudly: action, resource and role are named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "triggers-permission-"));
  const lines: string[] = [];
  const platform = await startPlatform({
    state: folder,
    port: 0,
    log: (line) => lines.push(line),
    without: { role: "ingest-role", action: "sqs:SendMessage" },
  });
  try {
    const { status, headers } = await call(platform.url, "POST", "/events", {
      key: platform.apiKey,
      body: { event_type: "a" },
    });
    assert.equal(status, 503);
    assert.match(String(headers.get("retry-after")), /^\d+$/);
    const refusal = await eventually(
      () => lines.find((line) => line.startsWith("AccessDenied")),
      (line) => line !== undefined,
    );
    assert.equal(
      refusal,
      "AccessDenied User: ingest-role is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:000000000000:ingest-queue because no identity-based policy allows the sqs:SendMessage action",
    );
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
