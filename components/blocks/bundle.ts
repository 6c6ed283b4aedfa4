import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/** Root of the project: entries are named relative to it. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export interface Bundle {
  /** Absolute path of the one ES module that Lambda loads as `index.mjs`. */
  readonly code: string;
  /** Absolute path of its source map. */
  readonly map: string;
  /** SHA-256 of the code, hex: changes when, and only when, the code does. */
  readonly hash: string;
  readonly bytes: number;
}

/** How a bundle is made; part of its cache key, so that a changed option rebuilds. */
const options = {
  bundle: true,
  minify: true,
  platform: "node",
  target: "node24",
  format: "esm",
  mainFields: ["module", "main"],
  // The last line of the bundle names its map: Node reads a map only where such a line stands.
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  // Loads a library of the machine's own: it goes along as files (duckdb.ts).
  external: ["@duckdb/node-bindings"],
  // What is never used of what they depend on: a cold start would read it all the same.
  alias: {
    "@ioredis/commands": "./runtime/redis/commands.ts",
    "cluster-key-slot": "./runtime/redis/oneNode.ts",
    debug: "./runtime/redis/quiet.ts",
    layerr: "./runtime/domain/layerr.ts",
  },
  // Some CommonJS packages in the bundle call `require` for Node's own modules, which an ES module does not have.
  // A name longer than any that minifying gives.
  banner: {
    js: 'import{createRequire as requireOfModule}from"node:module";const require=requireOfModule(import.meta.url);',
  },
} as const;

interface Manifest {
  readonly options: string;
  /** Content hash of every source file that went in, by path relative to the root. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Commands of the AWS SDK that the code may send, `DeleteItem`: those that the bundler did not leave out as unused. */
  readonly commands: readonly string[];
  readonly hash: string;
  readonly bytes: number;
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

const fingerprint = sha256(JSON.stringify(options));

/** Hashes of source files while the program runs, which is one turn: most files go into several bundles. */
const hashes = new Map<string, string | undefined>();

/** The content's hash; undefined when there is no such file. @param path relative to the root */
function hashOf(path: string): string | undefined {
  if (hashes.has(path)) return hashes.get(path);
  if (hashes.size === 0) setImmediate(() => hashes.clear());
  const file = join(root, path);
  const hash = existsSync(file) ? sha256(readFileSync(file)) : undefined;
  hashes.set(path, hash);
  return hash;
}

const fresh = (manifest: Manifest): boolean =>
  manifest.options === fingerprint &&
  (manifest.commands as Manifest["commands"] | undefined) !== undefined &&
  Object.entries(manifest.inputs).every(([path, hash]) => hashOf(path) === hash);

const write = (file: string, data: string | Uint8Array): void => {
  // Whole files only: several programs may bundle at the same time, and all of them write the same bytes.
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, data);
  renameSync(draft, file);
};

/** A module of the AWS SDK that holds one command: `…/client-dynamodb/dist-es/commands/DeleteItemCommand.js`. */
const COMMAND = /\/@aws-sdk\/client-[\w-]+\/dist-es\/commands\/(\w+)Command\.js$/;

const build = (entry: string, outfile: string) =>
  buildSync({
    ...options,
    mainFields: [...options.mainFields],
    external: [...options.external],
    entryPoints: [join(root, entry)],
    outfile,
    absWorkingDir: root,
    metafile: true,
    write: false,
    logLevel: "silent",
  });

/**
 * Bundles a handler with everything it imports, the AWS SDK included, and keeps the result in `.build/` until one of
 * the files that went in changes.
 * @param entry path relative to the project's root, `runtime/ingest/handler.ts`
 * @throws esbuild's own error, which names file and line
 */
export function bundle(entry: string): Bundle {
  const name = entry.replace(/\.ts$/, "").replaceAll("/", "-");
  const folder = join(root, ".build", name);
  const [code, map, manifestFile] = ["index.mjs", "index.mjs.map", "manifest.json"].map((f) => join(folder, f)) as [
    string,
    string,
    string,
  ];
  if (existsSync(manifestFile)) {
    const manifest = JSON.parse(readFileSync(manifestFile, "utf8")) as Manifest;
    if (fresh(manifest)) return { code, map, hash: manifest.hash, bytes: manifest.bytes };
  }
  const built = build(entry, code);
  mkdirSync(folder, { recursive: true });
  const output = (suffix: string) => built.outputFiles.find(({ path }) => path.endsWith(suffix))!.contents;
  const source = output("index.mjs");
  write(map, output("index.mjs.map"));
  write(code, source);
  const inputs = Object.keys(built.metafile.inputs).map((path) => {
    const file = relative(root, resolve(root, path));
    return [file, hashOf(file)!];
  });
  const kept = Object.values(built.metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const manifest: Manifest = {
    options: fingerprint,
    inputs: Object.fromEntries(inputs),
    commands: kept.flatMap((path) => COMMAND.exec(path)?.[1] ?? []).sort(),
    hash: sha256(source),
    bytes: source.byteLength,
  };
  write(manifestFile, JSON.stringify(manifest));
  return { code, map, hash: manifest.hash, bytes: manifest.bytes };
}
