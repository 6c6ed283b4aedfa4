// group: own platform 4
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

test("killed as it starts, as it is ready, when its clock steps and while a store is in trouble, the platform loses no event that it accepted, and no number of it", async () => {
  const { kills, lost, refusals, account } = await drill({
    folder,
    kills: 5,
    seconds: 300,
    // Draws each of the four once.
    seed: 17,
    only: ["start", "ready", "clock", "store"],
    say: () => {},
  });
  assert.deepEqual({ lost, refusals, kills }, { lost: 0, refusals: [], kills: 5 }, JSON.stringify(account));
  assert.ok(account.accepted > 0);
});

test.run();
