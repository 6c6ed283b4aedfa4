/** Builds what is published: `dist/`, with the types beside the code. */
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const root = join(here, "../..");

/** @param outdir @default dist/ beside this file @throws Error with what the compiler said */
export async function buildSdk(outdir = join(here, "dist")): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: [join(here, "src/index.ts"), join(here, "src/lossless.ts")],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    legalComments: "inline",
  });
  // What is taken in from others keeps its licence beside it.
  copyFileSync(join(root, "node_modules/lossless-json/LICENSE.md"), join(outdir, "lossless.LICENSE.md"));
  const compiler = join(root, "node_modules/typescript7/bin/tsc");
  const emit = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
  execFileSync(process.execPath, [compiler, "-p", here, ...emit, "--rootDir", join(here, "src"), "--outDir", outdir], {
    stdio: "inherit",
  });
}

if (import.meta.main) await buildSdk();
