/** Builds the pages into `.build/console/`, unless what went in is as it was. */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { build } from "vite";

/** A file of the pages, and how it is to be served. */
export interface Page {
  readonly file: string;
  /** Where it is in the bucket. */
  readonly key: string;
  readonly contentType: string;
  readonly cacheControl: string;
  /** Whether its name tells its content, so that it never changes. */
  readonly hashed: boolean;
}

const here = import.meta.dirname;
const root = join(here, "..");
const folder = join(root, ".build/console");
const stamp = join(root, ".build/console.hash");

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** Everything that the pages are made of: their sources, what of the shared language they use, and the versions of the libraries. */
function fingerprint(): string {
  const hash = createHash("sha256");
  const sources = globSync(["console/**/*.{ts,tsx,css,html,svg,json}", "runtime/domain/**/*.ts", "package-lock.json"], {
    cwd: root,
    exclude: (name) => name === "node_modules",
  }).sort();
  for (const source of sources)
    hash
      .update(source)
      .update("\0")
      .update(readFileSync(join(root, source)))
      .update("\0");
  return hash.digest("hex");
}

/** @returns the files, the page itself last @throws vite's own error, which names file and line */
export async function buildPages(): Promise<readonly Page[]> {
  const print = fingerprint();
  const fresh = existsSync(stamp) && readFileSync(stamp, "utf8") === print && existsSync(join(folder, "index.html"));
  if (!fresh) {
    rmSync(folder, { recursive: true, force: true });
    await build({ configFile: join(here, "vite.config.ts"), root: here, logLevel: "error" });
    mkdirSync(folder, { recursive: true });
    writeFileSync(stamp, print);
  }
  const files = globSync("**/*.*", { cwd: folder });
  return files
    .map((name): Page => {
      const path = name.split(sep).join("/");
      const hashed = path.startsWith("assets/");
      return {
        file: join(folder, name),
        key: `console/${path}`,
        contentType: types[extname(name)] ?? "application/octet-stream",
        cacheControl: hashed ? "public, max-age=31536000, immutable" : "no-cache",
        hashed,
      };
    })
    .sort((a, b) => Number(b.hashed) - Number(a.hashed) || (relative(a.key, b.key) < "" ? -1 : 1));
}
