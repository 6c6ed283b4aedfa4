/** From starting the process to `ready` and to the first 202: with a new state, and with the state of the run before. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call } from "../support/platform.ts";
import { startProcess } from "../support/process.ts";

const RUNS = 5;

async function once(state: string): Promise<{ ready: number; accepted: number }> {
  const begun = performance.now();
  const started = startProcess({ state });
  const local = await started.ready;
  const ready = performance.now() - begun;
  const { status, text } = await call(local.url, "POST", "/events", { key: local.api_key, body: { event_type: "a" } });
  if (status !== 202) throw new Error(`the first event was answered ${status} ${text}`);
  const accepted = performance.now() - begun;
  started.child.kill("SIGTERM");
  await started.ended;
  return { ready, accepted };
}

const shown = (values: readonly number[]): string => {
  const sorted = [...values].sort((a, b) => a - b).map((ms) => (ms / 1000).toFixed(2));
  return `median ${sorted[Math.floor(sorted.length / 2)]} s, ${sorted[0]} to ${sorted.at(-1)} s`;
};

const fresh: { ready: number; accepted: number }[] = [];
const again: { ready: number; accepted: number }[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const state = mkdtempSync(join(tmpdir(), "triggers-bench-"));
  fresh.push(await once(state));
  again.push(await once(state));
  rmSync(state, { recursive: true });
}
for (const [what, runs] of [
  ["new state", fresh],
  ["state of the run before", again],
] as const) {
  console.log(
    `${what}: ready in ${shown(runs.map(({ ready }) => ready))}; first 202 in ${shown(runs.map(({ accepted }) => accepted))}`,
  );
}
