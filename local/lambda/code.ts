/** The code of a function: the archive that the program declares, laid out in a folder as Lambda unpacks it. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

interface Entry {
  readonly path: string;
  readonly size: number;
  /** What tells it from another: the content, or of a large file the times that it changed. */
  readonly identity: Buffer;
  lay(target: string): void;
}

/** From this size on a file is linked, to spare a start the reading and copying of a library of tens of megabytes. */
const LARGE_BYTES = 4 * 1_024 * 1_024;

const ofBytes = (path: string, bytes: Buffer): Entry => ({
  path,
  size: bytes.length,
  identity: bytes,
  lay: (target) => writeFileSync(target, bytes),
});

function ofFile(path: string, file: string): Entry {
  const { size, mtimeMs } = statSync(file);
  if (size < LARGE_BYTES) return ofBytes(path, readFileSync(file));
  const lay = (target: string) => {
    try {
      linkSync(file, target);
    } catch {
      // On another disk.
      copyFileSync(file, target);
    }
  };
  return { path, size, identity: Buffer.from(`${file}\0${mtimeMs}`), lay };
}

/** The classes of assets share their `isInstance`: what they hold tells them apart. */
type Held = Readonly<Record<"text" | "path" | "assets", unknown>>;

async function entriesOf(value: unknown, path: string): Promise<Entry[]> {
  const held = (await value) as Held;
  if (held.text !== undefined) return [ofBytes(path, Buffer.from((await held.text) as string))];
  if (held.assets !== undefined) {
    const assets = Object.entries((await held.assets) as Record<string, unknown>);
    const inner = assets.map(([name, asset]) => entriesOf(asset, path === "" ? name : `${path}/${name}`));
    return (await Promise.all(inner)).flat();
  }
  if (held.path !== undefined && path !== "") return [ofFile(path, (await held.path) as string)];
  throw new Error(`the code of a function must be an AssetArchive of file and string assets (at "${path || "code"}")`);
}

/** Age in milliseconds at which unused code is taken for that of an earlier version. */
const KEPT_MS = 7 * 24 * 3_600_000;

function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const { mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && mtimeMs < Date.now() - KEPT_MS) rmSync(join(folder, name), { recursive: true });
  }
}

/**
 * Writes the archive to `<folder>/<hash of its content>/code` unless it is there already. The same
 * code has the same path, so that what V8 compiles of it is found again.
 * @returns that folder, and the size of all files in bytes
 */
export async function unpackCode(
  code: unknown,
  folder: string,
): Promise<{ directory: string; hash: string; size: number }> {
  const entries = (await entriesOf(code, "")).sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256");
  for (const { path, size, identity } of entries) hash.update(`${path}\0${size}\0`).update(identity);
  const digest = hash.digest();
  const home = join(folder, digest.toString("hex").slice(0, 16));
  if (existsSync(home)) utimesSync(home, new Date(), new Date());
  else {
    const partial = `${home}.${process.pid}`;
    for (const { path, lay } of entries) {
      mkdirSync(dirname(join(partial, "code", path)), { recursive: true });
      lay(join(partial, "code", path));
    }
    try {
      renameSync(partial, home);
    } catch {
      // Another platform that started at the same time has it.
      rmSync(partial, { recursive: true, force: true });
    }
    forgetOld(folder);
  }
  return {
    directory: join(home, "code"),
    hash: digest.toString("base64"),
    size: entries.reduce((sum, { size }) => sum + size, 0),
  };
}
