import assert from "node:assert/strict";
import { test } from "uvu";
import type { Iam } from "../../local/iam.ts";
import { AHEAD } from "../../local/lambda/function.ts";
import { startInAdvance } from "../../local/lambda/inAdvance.ts";
import { requestBegan, requestEnded } from "../../local/lambda/machine.ts";
import type { Entry } from "../../local/lambda/registry.ts";
import { eventually } from "../support/eventually.ts";

/** A function whose environments open in so many milliseconds. */
function entry(name: string, opensInMs = 0) {
  let environments = 0;
  const warm = async (count: number) => {
    const until = performance.now() + opensInMs;
    while (performance.now() < until);
    environments = Math.max(environments, count);
  };
  const made = { settings: { arn: name, role: name }, lambda: { warm } } as unknown as Entry;
  return { entry: made, environments: () => environments };
}

const iam = { may: (role: string, _action: string, arn: string) => role === "ingest" && arn === "schemas" } as Iam;

test("a function at the front door has environments in reserve, all others have two", async () => {
  const [edge, ingest, route, schemas, report] = ["edge", "ingest", "route", "schemas", "report"].map((name) =>
    entry(name),
  );
  const all = [edge, ingest, route, schemas, report].map((one) => one!.entry);
  await startInAdvance([edge!.entry, ingest!.entry], [route!.entry], all, iam, true);
  await eventually(
    () => ingest!.environments(),
    (count) => count === AHEAD,
  );
  assert.deepEqual(
    [edge, route, schemas, report].map((one) => one!.environments()),
    [AHEAD, 2, 2, 0],
  );
});

test("a reserve waits while somebody is answered, and goes on afterwards", async () => {
  const ingest = entry("ingest");
  requestBegan();
  await startInAdvance([ingest.entry], [], [ingest.entry], iam, true);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(ingest.environments(), 2);
  requestEnded();
  await eventually(
    () => ingest.environments(),
    (count) => count === AHEAD,
  );
});

test("where everything is alike, nothing is in reserve", async () => {
  const ingest = entry("ingest");
  await startInAdvance([ingest.entry], [], [ingest.entry], iam, false);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(ingest.environments(), 2);
});

test("what takes long to open has few in reserve", async () => {
  const [slow, ingest] = [entry("slow", 150), entry("ingest")];
  await startInAdvance([slow.entry, ingest.entry], [], [slow.entry, ingest.entry], iam, true);
  await eventually(
    () => ingest.environments(),
    (count) => count === AHEAD,
  );
  assert.ok(slow.environments() < AHEAD / 2, `${slow.environments()} environments`);
});

test.run();
