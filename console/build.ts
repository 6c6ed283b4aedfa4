/** Builds the console's pages, unless what went in is as it was. */
import { join } from "node:path";
import { builtOnce, fingerprintOf, type Page, pagesOf } from "../operations/builtPages.ts";

const here = import.meta.dirname;

/** Everything that the pages are made of: their sources, what of the shared language and the documentation they use, and the versions of the libraries. */
const SOURCES = [
  "console/**/*.{ts,tsx,css,html,svg,json}",
  "runtime/domain/**/*.ts",
  "docs/**/*.md",
  "package-lock.json",
];

/** @returns the files, the page itself last @throws vite's own error, which names file and line */
export async function buildPages(): Promise<readonly Page[]> {
  const folder = await builtOnce("console", fingerprintOf(SOURCES), async (outDir) => {
    // A whole tool, which pages that are there need not wait for.
    const { build } = await import("vite");
    await build({ configFile: join(here, "vite.config.ts"), root: here, logLevel: "error", build: { outDir } });
  });
  return pagesOf(folder, "console", (path) => path.startsWith("assets/"));
}
