import { spawnSync } from "node:child_process";
import { renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { basename, relative } from "node:path";
import type { LocalFile } from "../../local/platform/state.ts";
import { call } from "../support/platform.ts";
import { filesOf } from "./disks.ts";
import { begin, type Drill, kill, pause, underLoad } from "./lives.ts";

/** After this time without progress, what is still missing counts as lost. */
const PATIENCE_MS = 60_000;
const CUT_BYTES = 4_096;

/**
 * After a kill a file of the state is found shorter than it was. What was in it may be gone: then the start is refused or says which file it was,
 * never a word too few. The state is put back as it was afterwards, so that the account of the drill is of what may not be lost.
 */
export async function truncated(drill: Drill): Promise<void> {
  const { state, dice, ledger, refusals, uncounted, say } = drill;
  const before = new Set(ledger.accepted);
  await underLoad(drill, async () => {});
  const ids = [...ledger.accepted].filter((id) => !before.has(id));
  const copy = `${state}.copy`;
  spawnSync("cp", ["-a", state, copy]);
  const files = filesOf(state).filter((path) => statSync(path).size > 0);
  // PostgreSQL has hundreds of them, and all others together a few dozen.
  const [clusters, others] = [/postgres/, /^(?!.*postgres)/].map((name) => files.filter((path) => name.test(path)));
  const file = dice.pick(dice.oneIn(3) ? clusters! : others!);
  const { size } = statSync(file);
  const cut = dice.oneIn(5) ? size : Math.min(size, 1 + dice.below(CUT_BYTES));
  truncateSync(file, size - cut);
  const what = `${relative(state, file)} cut by ${cut} of ${size} bytes`;
  uncounted(true);
  const started = begin(drill);
  try {
    const local = await started.ready;
    let until = Date.now() + PATIENCE_MS;
    let missing = ids;
    while (missing.length > 0 && Date.now() < until && !started.output().includes(basename(file))) {
      const still = await lacking(local, missing);
      if (still.length < missing.length) until = Date.now() + PATIENCE_MS;
      missing = still;
      if (missing.length > 0) await pause(1_000);
    }
    const told = started.output().includes(basename(file));
    say(`  ${what}: ready, ${missing.length} of ${ids.length} missing${told ? ", told" : ""}`);
    if (missing.length > 0 && !told)
      refusals.push(
        `${what}: ${missing.length} of ${ids.length} events are missing, and not a word\n${started.output()}`,
      );
    await kill(drill, started);
  } catch {
    const told = started.output();
    say(`  ${what}: refused`);
    if (!told.includes(basename(file)) || /^ {4}at /m.test(told))
      refusals.push(`${what}: refused without its name\n${told}`);
  }
  uncounted(false);
  rmSync(state, { recursive: true, force: true });
  renameSync(copy, state);
}

/** Those that nobody knows, or that nothing has been tried for. @param ids at most 1,000 are asked for at a time */
async function lacking(local: LocalFile, ids: readonly string[]): Promise<string[]> {
  const tried = new Set<string>();
  for (let from = 0; from < ids.length; from += 1_000) {
    const body = { event_ids: ids.slice(from, from + 1_000) };
    const answer = await call(local.url, "POST", "/events/lookup", { key: local.api_key, body }).catch(() => undefined);
    for (const { event_id, status } of answer?.json?.events ?? []) if (status !== "pending") tried.add(event_id);
  }
  return ids.filter((id) => !tried.has(id));
}
