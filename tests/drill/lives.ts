import type { LocalFile } from "../../local/platform/state.ts";
import type { Dice } from "../fuzz/random.ts";
import type { Started } from "../support/process.ts";
import { startDisturbed } from "./disturbing.ts";
import { type Ledger, load, repeatUnanswered } from "./load.ts";

export interface Disk {
  /** Leaves so much room beyond what is used. */
  leave(bytes: number): void;
  enlarge(): void;
  /** Lets nothing be opened for writing any more, or lets it again. */
  readOnly(folder: string, yes: boolean): void;
  unmount(): void;
}

/** One state folder, and the lives that the platform leads on it. */
export interface Drill {
  readonly state: string;
  readonly ledger: Ledger;
  readonly dice: Dice;
  say(line: string): void;
  /** Called once the first platform of the drill is ready. */
  prepare(local: LocalFile): Promise<void>;
  /** Undefined where the state does not lie on a disk of its own. */
  readonly disk: Disk | undefined;
  /** Of the drill's own customer; undefined until the first platform is ready. */
  key: string | undefined;
  /** How many events one of the endpoints has had. */
  arrived(): number;
  /** What an endpoint gets meanwhile is answered and not counted. */
  uncounted(yes: boolean): void;
  kills: number;
  /** By how much the clock of the next life is ahead, and how far ahead it ever was. */
  clockMs: number;
  furthestMs: number;
  /** What must not be: starts that ended by themselves, processes that gave up, damage in silence, loads of which nothing was accepted. */
  readonly refusals: string[];
  /** How many calls and connections met each fault of a store. */
  readonly met: Map<string, number>;
  /** Milliseconds from start to `ready`. */
  readonly startedIn: number[];
}

export interface Life {
  readonly started: Started;
  readonly local: LocalFile;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const STARVED_MS = 60_000;

/** Resolves when some events more have been accepted, however long a busy machine takes for that. */
export async function busy(drill: Drill, life: Life): Promise<void> {
  const before = drill.ledger.accepted.size;
  const enough = before + 1 + drill.dice.below(300);
  const until = Date.now() + STARVED_MS;
  while (drill.ledger.accepted.size < enough && Date.now() < until && life.started.child.exitCode === null)
    await pause(5);
  if (drill.ledger.accepted.size === before)
    drill.refusals.push(`nothing was accepted in ${STARVED_MS} ms:\n${life.started.output().slice(-2_000)}`);
}

export const begin = ({ state, clockMs }: Drill): Started => startDisturbed(state, { clockMs });

/** What `local.json` says once the platform is ready, with the key of the drill's own customer. */
export async function localOf({ key }: Drill, { ready }: Started): Promise<LocalFile> {
  const local = await ready;
  return { ...local, api_key: key ?? local.api_key };
}

export async function kill(drill: Drill, { child, ended }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  process.kill(child.pid!, "SIGKILL");
  await ended;
  drill.kills += 1;
}

export async function ready(drill: Drill): Promise<Life | undefined> {
  const began = performance.now();
  const started = begin(drill);
  try {
    await started.ready;
    drill.startedIn.push(performance.now() - began);
    await drill.prepare(await started.ready);
    return { started, local: await localOf(drill, started) };
  } catch (cause) {
    drill.refusals.push(String(cause));
    return undefined;
  }
}

/** A life with callers, who also repeat what earlier lives left unanswered, in which something happens; then it is killed, if it has not been. */
export async function underLoad(drill: Drill, happen: (life: Life) => Promise<void>): Promise<void> {
  const life = await ready(drill);
  if (life === undefined) return;
  let over = false;
  const repeating = repeatUnanswered(life.local, drill.ledger, () => over);
  const loading = load(life.local, drill.ledger, drill.dice, () => over);
  await busy(drill, life);
  await happen(life);
  if (life.started.child.exitCode !== null)
    drill.refusals.push(`the platform ended by itself:\n${life.started.output().slice(-2_000)}`);
  await kill(drill, life.started);
  over = true;
  await Promise.all([loading, repeating]);
}
