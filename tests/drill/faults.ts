import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { LocalFile } from "../../local/platform/state.ts";
import type { Dice } from "../fuzz/random.ts";
import { type Started, startProcess } from "../support/process.ts";
import { type Ledger, load, repeatUnanswered } from "./load.ts";

/** Ways in which a life of the platform ends or is disturbed. Each says what it did; the counts go to the report. */
export interface Drill {
  readonly state: string;
  readonly ledger: Ledger;
  readonly dice: Dice;
  readonly say: (line: string) => void;
  /** Called once the first platform of the drill is ready. */
  readonly prepare: (local: LocalFile) => Promise<void>;
  /** Undefined where the state does not lie on a disk of its own. */
  readonly disk: Disk | undefined;
  kills: number;
  /** Starts that ended by themselves before they were ready: there must be none. */
  readonly refusals: string[];
  /** Milliseconds from start to `ready`. */
  readonly startedIn: number[];
}

/** A disk that can be made too small: a tmpfs, which needs the rights to mount it. */
export interface Disk {
  /** Leaves so much room beyond what is used. */
  leave(bytes: number): void;
  enlarge(): void;
  unmount(): void;
}

const DISK_BYTES = 4 * 2 ** 30;

/** @returns undefined, with the reason, where nothing can be mounted */
export function smallDisk(folder: string): Disk | string {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "a disk of its own needs Linux and root";
  mkdirSync(folder, { recursive: true });
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8" });
  const mounted = run("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder);
  if (mounted.status !== 0) return `mount: ${mounted.stderr.trim()}`;
  const resize = (bytes: number) => run("mount", "-o", `remount,size=${Math.ceil(bytes)}`, folder);
  return {
    leave(bytes) {
      const used = Number(run("du", "-s", "-B1", folder).stdout.split("\t")[0]);
      resize(used + bytes);
    },
    enlarge: () => void resize(DISK_BYTES),
    unmount: () => void run("umount", "-l", folder),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const PATIENCE_MS = 20_000;

/** Resolves when some events more have been accepted, however long a busy machine takes for that; or when it takes too long. */
async function busy(drill: Drill): Promise<void> {
  const enough = drill.ledger.accepted.size + 1 + drill.dice.below(300);
  const until = Date.now() + PATIENCE_MS;
  while (drill.ledger.accepted.size < enough && Date.now() < until) await pause(5);
}

async function kill(drill: Drill, { child, ended }: Started): Promise<void> {
  process.kill(child.pid!, "SIGKILL");
  await ended;
  drill.kills += 1;
}

async function ready(drill: Drill): Promise<{ started: Started; local: LocalFile } | undefined> {
  const began = performance.now();
  const started = startProcess({ state: drill.state });
  try {
    const local = await started.ready;
    drill.startedIn.push(performance.now() - began);
    await drill.prepare(local);
    return { started, local };
  } catch (cause) {
    drill.refusals.push(String(cause));
    return undefined;
  }
}

/** Load for a while, and a kill in the middle of it. */
async function killInLoad(drill: Drill): Promise<void> {
  const up = await ready(drill);
  if (up === undefined) return;
  let over = false;
  const repeating = repeatUnanswered(up.local, drill.ledger);
  const loading = load(up.local, drill.ledger, drill.dice, () => over);
  await busy(drill);
  await kill(drill, up.started);
  over = true;
  await Promise.all([loading, repeating]);
}

/** Load, then a kill while what was accepted is being worked off. */
async function killInSettle(drill: Drill): Promise<void> {
  const up = await ready(drill);
  if (up === undefined) return;
  let over = false;
  const loading = load(up.local, drill.ledger, drill.dice, () => over);
  await busy(drill);
  over = true;
  await loading;
  await pause(drill.dice.below(3_000));
  await kill(drill, up.started);
}

/** A kill at any moment of the start. */
async function killInStart(drill: Drill): Promise<void> {
  const started = startProcess({ state: drill.state });
  const typical = drill.startedIn.at(-1) ?? 5_000;
  await Promise.race([pause(drill.dice.below(typical)), started.ended]);
  if (started.child.exitCode !== null) drill.refusals.push(started.output());
  else await kill(drill, started);
}

/** A kill just after `ready`. */
async function killWhenReady(drill: Drill): Promise<void> {
  const up = await ready(drill);
  if (up === undefined) return;
  await pause(drill.dice.below(300));
  await kill(drill, up.started);
}

/** As a supervisor's restart loop does it: several kills before any work is done. */
async function killInRow(drill: Drill): Promise<void> {
  const times = drill.dice.pick([2, 6]);
  await killInLoad(drill);
  for (let i = 1; i < times; i += 1) await (drill.dice.oneIn(2) ? killInStart(drill) : killWhenReady(drill));
}

/** Stopped and continued in the middle of a load, then killed. */
async function stopAndGo(drill: Drill): Promise<void> {
  const up = await ready(drill);
  if (up === undefined) return;
  let over = false;
  const loading = load(up.local, drill.ledger, drill.dice, () => over);
  await busy(drill);
  process.kill(up.started.child.pid!, "SIGSTOP");
  await pause(1_000 + drill.dice.below(5_000));
  process.kill(up.started.child.pid!, "SIGCONT");
  await pause(1_000);
  await kill(drill, up.started);
  over = true;
  await loading;
}

/** The disk is full for a while under load: the platform stays up. Sometimes it is killed in that state. */
async function fullDisk(drill: Drill): Promise<void> {
  const { disk } = drill;
  const up = await ready(drill);
  if (up === undefined || disk === undefined) return;
  let over = false;
  const loading = load(up.local, drill.ledger, drill.dice, () => over);
  await busy(drill);
  disk.leave(drill.dice.below(400_000));
  await pause(2_000 + drill.dice.below(4_000));
  const early = drill.dice.oneIn(3);
  if (up.started.child.exitCode !== null)
    drill.refusals.push(`ended on a full disk:\n${up.started.output().slice(-2_000)}`);
  else if (early) await kill(drill, up.started);
  disk.enlarge();
  if (!early && up.started.child.exitCode === null) {
    await pause(2_000);
    await kill(drill, up.started);
  }
  over = true;
  await loading;
}

export const faults: Readonly<Record<string, { readonly weight: number; run(drill: Drill): Promise<void> }>> = {
  load: { weight: 4, run: killInLoad },
  settle: { weight: 2, run: killInSettle },
  start: { weight: 2, run: killInStart },
  ready: { weight: 2, run: killWhenReady },
  row: { weight: 4, run: killInRow },
  stop: { weight: 1, run: stopAndGo },
  full: { weight: 2, run: fullDisk },
};
