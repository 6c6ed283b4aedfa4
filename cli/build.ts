/** Builds what is published: `dist/`, one small entry and a chunk a command, so that a start reads only what it needs. */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;

/** @param outdir @default dist/ beside this file */
export async function buildCli(outdir = join(here, "dist")): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: { triggers: join(here, "src/main.ts") },
    outdir,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    target: "node20",
    legalComments: "linked",
    chunkNames: "parts/[name]-[hash]",
    // What is bundled may still ask for Node.js's modules the old way.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  chmodSync(join(outdir, "triggers.js"), 0o755);
}

if (import.meta.main) await buildCli();
