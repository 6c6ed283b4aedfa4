/** Builds the documentation, unless what it is made of is as it was. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { builtOnce, fingerprintOf, isBuilt, type Page, pagesOf } from "../../operations/builtPages.ts";
import { isGroup, pagesIn } from "./generate/page.ts";
import { type Site, site } from "./generate/site.ts";
import { indexOf, llmsText, textOf, textPathOf } from "./generate/text.ts";

const here = import.meta.dirname;
/** Where the pages lie for Astro, which reads no other. */
const content = join(here, "../../.build/docs-content");

/** How the pages look and what they do; their texts come from all over the project, and are looked at by themselves. */
const SOURCES = ["docs/site/**/*.{ts,astro,css,svg,json}", "package-lock.json"];

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The navigation as Starlight has it. */
const sidebarOf = (pages: Site["groups"][number]["pages"]): unknown[] =>
  pages.map((entry) =>
    isGroup(entry)
      ? { label: entry.label, collapsed: entry.collapsed === true, items: sidebarOf(entry.pages) }
      : { label: entry.label ?? entry.title, slug: entry.slug === "" ? "index" : entry.slug },
  );

/**
 * @param early gets the texts, which need no tool, before the pages are built for browsers; not called where those are there
 * @returns the files, the pages themselves last
 * @throws Astro's own error, which names the page
 */
export async function buildPages(
  early: (texts: readonly Page[]) => Promise<void> = async () => {},
): Promise<readonly Page[]> {
  const { groups, calls } = await site();
  const pages = pagesIn(groups);
  const inputs = JSON.stringify({ groups, calls });
  const writeTexts = (into: string) => {
    for (const page of pages) write(into, textPathOf(page.slug), textOf(page));
    write(into, "llms.txt", `${llmsText(groups)}\n`);
    write(into, "index.json", JSON.stringify(indexOf(groups, calls)));
  };
  const fingerprint = fingerprintOf(SOURCES, inputs);
  if (!isBuilt("docs", fingerprint)) {
    const texts = await builtOnce("docs-texts", fingerprint, async (into) => writeTexts(into));
    await early(pagesOf(texts, "docs", () => false));
  }
  const folder = await builtOnce("docs", fingerprint, async (into) => {
    rmSync(content, { recursive: true, force: true });
    for (const { slug, title, description, body } of pages) {
      const head = `---\ntitle: ${JSON.stringify(title)}\ndescription: ${JSON.stringify(description)}\n---\n\n`;
      write(content, textPathOf(slug), `${head}${body}\n`);
    }
    write(content, "sidebar.json", JSON.stringify(sidebarOf(groups)));
    process.env.ASTRO_TELEMETRY_DISABLED = "1";
    // A whole tool, which the texts need not wait for.
    const { build } = await import("astro");
    await build({ root: here, outDir: into, logLevel: "error" });
    const { cleanPages } = await import("./clean.ts");
    await cleanPages(into);
    writeTexts(into);
  });
  return pagesOf(folder, "docs", (path) => /^(_astro|pagefind\/(fragment|index))\//.test(path));
}
