import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { begin, type Disk, type Drill, kill, type Life, pause, underLoad } from "./lives.ts";

/** A disk that can be made too small: a tmpfs, which needs the rights to mount it. */
const DISK_BYTES = 6 * 2 ** 30;

/** @returns the reason where nothing can be mounted */
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
    readOnly(within, yes) {
      if (!yes) {
        run("umount", "-l", within);
        return;
      }
      run("mount", "--bind", within, within);
      run("mount", "-o", "remount,bind,ro", within);
    },
    unmount: () => void run("umount", "-l", folder),
  };
}

/** Files of the state but those of its lock, and the functions' logs. */
export const filesOf = (state: string): string[] =>
  readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !/^(logs\/|lock\.|holder\.)/.test(relative(state, path)));

const foldersOf = (state: string): string[] =>
  readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));

/** Has a fault for a while: sometimes the platform is killed in it, otherwise it goes on for a moment after it. */
async function forAWhile(drill: Drill, { started }: Life, end: () => void): Promise<void> {
  await pause(1_000 + drill.dice.below(2_500));
  if (drill.dice.oneIn(3)) await kill(drill, started);
  end();
  if (started.child.signalCode === null) await pause(1_500);
}

/** The disk is full for a while under load: the platform stays up. */
export const fullDisk = (drill: Drill): Promise<void> =>
  underLoad(drill, async (life) => {
    const { disk } = drill;
    disk!.leave(drill.dice.below(400_000));
    await forAWhile(drill, life, () => disk!.enlarge());
  });

/**
 * Files may grow no further than a little beyond one of them: the write that crosses the limit is a short one, and the next is refused. The
 * limit is the system's own for this process.
 */
export const shortWrites = (drill: Drill): Promise<void> =>
  underLoad(drill, async (life) => {
    const growing = filesOf(drill.state).filter((path) => /sqlite|-wal$|postgres/.test(path));
    const bytes = statSync(drill.dice.pick(growing)).size + drill.dice.below(20_000);
    const limit = (soft: string) =>
      spawnSync("prlimit", ["--pid", String(life.started.child.pid), `--fsize=${soft}:unlimited`]);
    limit(String(bytes));
    await forAWhile(drill, life, () => void limit("unlimited"));
  });

/** Some folder, or the whole state, can't be written any more; a start on it says so. */
export const readOnlyState = (drill: Drill): Promise<void> =>
  underLoad(drill, async (life) => {
    const { disk, state, dice, refusals } = drill;
    const folder = dice.oneIn(2) ? state : dice.pick(foldersOf(state));
    disk!.readOnly(folder, true);
    await forAWhile(drill, life, () => {});
    if (folder === state && life.started.child.signalCode !== null) {
      const started = begin(drill);
      const code = await Promise.race([started.ended, started.ready.then(() => "ready")]);
      const told = started.output();
      if (code !== 1 || !told.includes(state) || /^ {4}at /m.test(told))
        refusals.push(`start on a read-only state: ${code}\n${told.slice(-2_000)}`);
      if (code === "ready") await kill(drill, started);
    }
    disk!.readOnly(folder, false);
    if (life.started.child.signalCode === null) await pause(1_500);
  });
