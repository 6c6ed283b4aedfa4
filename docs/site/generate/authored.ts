/** Pages that are written here: docs/site/pages, each with a title and a description above its text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { withExamples } from "./examples.ts";
import type { SitePage } from "./page.ts";

const folder = join(import.meta.dirname, "../pages");
const HEAD = /^---\n([\s\S]*?)\n---\n/;

/** @param slug path of the file below `pages`, without its ending; "" for the first page @throws Error where title or description is missing */
export function authoredPage(slug: string): SitePage {
  const text = readFileSync(join(folder, `${slug === "" ? "index" : slug}.md`), "utf8");
  const head = HEAD.exec(text);
  const { title, description } = (parse(head?.[1] ?? "") ?? {}) as { title?: string; description?: string };
  if (title === undefined || description === undefined)
    throw new Error(`the page "${slug}" lacks a title or description`);
  return { slug, title, description, body: withExamples(text.slice(head![0].length).trim()) };
}
