import { fullDisk, readOnlyState, shortWrites } from "./disks.ts";
import { disturb, STORES } from "./disturbing.ts";
import { begin, busy, type Drill, kill, pause, ready, underLoad } from "./lives.ts";
import { FLOOD, load } from "./load.ts";
import { truncated } from "./truncation.ts";

/** Load for a while, and a kill in the middle of it. */
const killInLoad = (drill: Drill): Promise<void> => underLoad(drill, async () => {});

/** Load, then a kill while what was accepted is being worked off. */
async function killInSettle(drill: Drill): Promise<void> {
  const up = await ready(drill);
  if (up === undefined) return;
  let over = false;
  const loading = load(up.local, drill.ledger, drill.dice, () => over);
  await busy(drill, up);
  over = true;
  await loading;
  await pause(drill.dice.below(1_500));
  await kill(drill, up.started);
}

/** Events accepted and not yet delivered, once which many wait the kills begin. */
const BACKLOG = 100_000;

/** More than can be delivered, until a hundred thousand events wait; then kills while more comes in and while they are worked off. */
async function killWithBacklog(drill: Drill): Promise<void> {
  const waiting = () => drill.ledger.accepted.size - drill.arrived();
  const up = await ready(drill);
  if (up === undefined) return;
  let over = false;
  const flood = load(up.local, drill.ledger, drill.dice, () => over, FLOOD);
  while (waiting() < BACKLOG && up.started.child.exitCode === null) await pause(50);
  drill.say(`backlog: ${waiting()} events wait, ${drill.ledger.accepted.size} were accepted`);
  await kill(drill, up.started);
  over = true;
  await flood;
  while (waiting() > BACKLOG / 10) {
    const life = await ready(drill);
    if (life === undefined) return;
    await pause(3_000 + drill.dice.below(7_000));
    await kill(drill, life.started);
    drill.say(`backlog: ${waiting()} events wait after ${drill.kills} kills`);
  }
}

/** A kill at any moment of the start. */
async function killInStart(drill: Drill): Promise<void> {
  const started = begin(drill);
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
const stopAndGo = (drill: Drill): Promise<void> =>
  underLoad(drill, async ({ started: { child } }) => {
    process.kill(child.pid!, "SIGSTOP");
    await pause(500 + drill.dice.below(4_000));
    process.kill(child.pid!, "SIGCONT");
    await pause(drill.dice.below(1_500));
  });

const STEPS_MS = [-600_000, -5_000, 0, 5_000, 600_000, 7_200_000];

/** The clock jumps under load; half of the time it jumps back while the platform is off, otherwise the next lives have it, too. */
const clockSteps = (drill: Drill): Promise<void> =>
  underLoad(drill, async (life) => {
    drill.clockMs = drill.dice.pick(STEPS_MS.filter((ms) => ms !== drill.clockMs));
    drill.furthestMs = Math.max(drill.furthestMs, drill.clockMs);
    await disturb(life.started.child, { clockMs: drill.clockMs });
    await busy(drill, life);
    if (drill.dice.oneIn(2)) drill.clockMs = 0;
  });

/** One store is away, slow or silent for some seconds; sometimes the platform is killed meanwhile. */
const storeFault = (drill: Drill): Promise<void> =>
  underLoad(drill, async (life) => {
    const { dice, clockMs } = drill;
    const fault = {
      store: dice.pick(STORES),
      how: dice.pick(["away", "slow", "silent"] as const),
      ms: 100 + dice.below(2_000),
    };
    await disturb(life.started.child, { clockMs, fault });
    await pause(1_000 + dice.below(4_000));
    const over = !dice.oneIn(3);
    const met = await disturb(life.started.child, over ? { clockMs } : { clockMs, fault });
    const what = `${fault.store} ${fault.how}`;
    drill.met.set(what, (drill.met.get(what) ?? 0) + met);
    if (over) await busy(drill, life);
  });

interface Fault {
  /** How often it is drawn. */
  readonly weight: number;
  /** Whether it is drawn only where it is asked for by name: it takes many minutes. */
  readonly long?: boolean;
  /** Whether it needs a disk of its own, and so Linux and the right to mount. */
  readonly disk?: boolean;
  run(drill: Drill): Promise<void>;
}

/** Ways in which a life of the platform ends or is disturbed. Each says what must not have been; the counts go to the report. */
export const faults: Readonly<Record<string, Fault>> = {
  load: { weight: 4, run: killInLoad },
  settle: { weight: 2, run: killInSettle },
  backlog: { weight: 1, long: true, run: killWithBacklog },
  start: { weight: 2, run: killInStart },
  ready: { weight: 2, run: killWhenReady },
  row: { weight: 4, run: killInRow },
  stop: { weight: 1, run: stopAndGo },
  clock: { weight: 1, run: clockSteps },
  store: { weight: 3, run: storeFault },
  full: { weight: 2, disk: true, run: fullDisk },
  short: { weight: 2, disk: true, run: shortWrites },
  readonly: { weight: 1, disk: true, run: readOnlyState },
  truncated: { weight: 1, run: truncated },
};
