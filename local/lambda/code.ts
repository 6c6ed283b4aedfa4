/** The code of a function: the archive that the program declares, laid out in a folder as Lambda unpacks it. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Entry {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The classes of assets share their `isInstance`: what they hold tells them apart. */
type Held = Readonly<Record<"text" | "path" | "assets", unknown>>;

async function entriesOf(value: unknown, path: string): Promise<Entry[]> {
  const held = (await value) as Held;
  if (held.text !== undefined) return [{ path, bytes: Buffer.from((await held.text) as string) }];
  if (held.assets !== undefined) {
    const assets = Object.entries((await held.assets) as Record<string, unknown>);
    const inner = assets.map(([name, asset]) => entriesOf(asset, path === "" ? name : `${path}/${name}`));
    return (await Promise.all(inner)).flat();
  }
  if (held.path !== undefined && path !== "") return [{ path, bytes: readFileSync((await held.path) as string) }];
  throw new Error(`the code of a function must be an AssetArchive of file and string assets (at "${path || "code"}")`);
}

/**
 * Writes the archive to `<folder>/<hash of its content>` unless it is there already.
 * @returns the folder, and the size of all files in bytes
 */
export async function unpackCode(
  code: unknown,
  folder: string,
): Promise<{ directory: string; hash: string; size: number }> {
  const entries = (await entriesOf(code, "")).sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256");
  for (const { path, bytes } of entries) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  const digest = hash.digest();
  const directory = join(folder, digest.toString("hex").slice(0, 16));
  if (!existsSync(directory)) {
    const partial = `${directory}.partial`;
    rmSync(partial, { recursive: true, force: true });
    for (const { path, bytes } of entries) {
      mkdirSync(dirname(join(partial, path)), { recursive: true });
      writeFileSync(join(partial, path), bytes);
    }
    renameSync(partial, directory);
  }
  return {
    directory,
    hash: digest.toString("base64"),
    size: entries.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}
