/** What axe finds wrong with a page, by WCAG 2.2 AA. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** One line a rule that is broken, with the elements that break it. */
export async function axeFaults(page: Page): Promise<string[]> {
  // Half a megabyte, which a page keeps until it is loaded anew.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(source);
  // What passes is not written out: nobody reads it. Style sheets are not fetched and parsed: only a rule that axe itself leaves out would read them.
  const found = (await page.evaluate(
    `axe.run(document, { preload: { assets: ["media"] }, resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(({ violations }) => violations)`,
  )) as Finding[];
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
