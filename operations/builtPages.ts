/**
 * Pages that are built from sources, once for the same sources. Invariant: a folder of built pages is whole, because it gets its name
 * after the build. Of several processes that want the same pages, one builds and the others wait. The lock is the operating system's, by way of SQLite,
 * and ends with its process.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, extname, join, sep } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../runtime/domain/time.ts";

/** A file of the pages, and how it is to be served. */
export interface Page {
  readonly file: string;
  /** Where it is in the bucket. */
  readonly key: string;
  readonly contentType: string;
  readonly cacheControl: string;
  /** Whether its name comes from its content, so that the content under a name never changes. */
  readonly hashed: boolean;
}

const root = join(import.meta.dirname, "..");

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** SHA-256, hex, of files and their names. @param patterns below the project's root */
export function fingerprintOf(patterns: readonly string[], more = ""): string {
  const hash = createHash("sha256").update(more);
  const sources = globSync(patterns, { cwd: root, exclude: (name) => name === "node_modules" }).sort();
  for (const source of sources)
    hash
      .update(source)
      .update("\0")
      .update(readFileSync(join(root, source)))
      .update("\0");
  return hash.digest("hex");
}

const folderOf = (name: string, fingerprint: string): string => join(root, ".build", name, fingerprint.slice(0, 16));

/** Whether `builtOnce` has them already. */
export const isBuilt = (name: string, fingerprint: string): boolean => existsSync(folderOf(name, fingerprint));

/** Longest that a process waits for another one's build. */
const PATIENCE_MS = 600_000;

/**
 * @param name of the pages @param fingerprint of everything that goes in @param build writes the pages into the folder
 * @returns the folder that holds them @throws what `build` throws
 */
export async function builtOnce(
  name: string,
  fingerprint: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = folderOf(name, fingerprint);
  const all = dirname(folder);
  if (existsSync(folder)) return folder;
  mkdirSync(all, { recursive: true });
  const lock = new DatabaseSync(join(root, ".build", `${name}.lock`), { timeout: PATIENCE_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    if (existsSync(folder)) return folder;
    const unfinished = join(all, "unfinished");
    rmSync(unfinished, { recursive: true, force: true });
    await build(unfinished);
    renameSync(unfinished, folder);
    for (const other of readdirSync(all)) {
      const path = join(all, other);
      if (path !== folder && Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { recursive: true });
    }
    return folder;
  } finally {
    lock.close();
  }
}

/** @param prefix of their keys in the bucket @param isHashed whether a path below the folder names its content @returns the pages themselves last */
export function pagesOf(folder: string, prefix: string, isHashed: (path: string) => boolean): readonly Page[] {
  return globSync("**/*.*", { cwd: folder })
    .map((name): Page => {
      const path = name.split(sep).join("/");
      const hashed = isHashed(path);
      return {
        file: join(folder, name),
        key: `${prefix}/${path}`,
        contentType: types[extname(name)] ?? "application/octet-stream",
        cacheControl: hashed ? "public, max-age=31536000, immutable" : "no-cache",
        hashed,
      };
    })
    .filter(({ file }) => statSync(file).isFile())
    .sort((a, b) => Number(b.hashed) - Number(a.hashed) || a.key.localeCompare(b.key));
}
