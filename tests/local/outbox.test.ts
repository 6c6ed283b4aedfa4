import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { startOutbox } from "../../local/outbox.ts";
import { statusFor } from "../support/statusFor.ts";

const test = suite("outbox");

test("mails are shown to this machine alone, not to a web page whose name was made to point here", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outbox-"));
  const outbox = await startOutbox(folder, 0);
  try {
    for (const path of ["/", "/messages", "/messages/1.eml"])
      assert.equal(await statusFor(outbox.url + path, "evil.example"), 403, path);
    assert.equal(await statusFor(`${outbox.url}/messages`, `localhost:${outbox.port}`), 200);
    assert.equal((await fetch(`${outbox.url}/messages`)).status, 200);
  } finally {
    await outbox.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
