import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { drill } from "../drill/drill.ts";

const test = suite("SIGKILL");

let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "triggers-kill-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("killed in its load, as it starts and as it is ready, the platform loses no event that it accepted", async () => {
  const { kills, lost, refusals, account } = await drill({
    folder,
    kills: 4,
    seconds: 300,
    seed: 3,
    only: ["load", "start", "ready"],
    say: () => {},
  });
  assert.deepEqual({ lost, refusals, kills }, { lost: 0, refusals: [], kills: 4 }, JSON.stringify(account));
  assert.ok(account.accepted > 0);
});

test.run();
