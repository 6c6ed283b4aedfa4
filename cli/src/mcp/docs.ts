import MiniSearch from "minisearch";
import { weightOf } from "../../../docs/site/src/ranking.ts";
import type { Triggers } from "../../../sdk/typescript/src/client.ts";

/**
 * The platform's own documentation, searched part by part: every page that `llms.txt` lists, the reference among them, cut at its
 * headings. A platform that serves no such list is searched by its OpenAPI document alone.
 */
interface Part {
  readonly id: string;
  /** Page and heading: `Idempotency: When you send`. */
  readonly title: string;
  readonly text: string;
  /** Of the page, for people. */
  readonly url: string;
}

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly summary?: string; readonly description?: string }>>>
  >;
}

const MOST_PAGES = 500;
const AT_ONCE = 8;
const EXCERPT = 2_000;
/** A platform that has just been started builds its pages first. */
const TIMEOUT_MS = 60_000;

async function textAt(url: string): Promise<string | undefined> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: "text/markdown, text/plain" },
  });
  const type = response.headers.get("content-type") ?? "";
  return response.ok && !type.includes("html") ? response.text() : undefined;
}

/** A page in Markdown, cut at its headings; lines in code don't count. */
function partsOf(url: string, markdown: string): Part[] {
  const parts: { title: string; lines: string[] }[] = [];
  let page = "";
  let inCode = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) inCode = !inCode;
    const [, marks, heading] = (inCode ? null : /^(#{1,3}) (.+)$/.exec(line)) ?? [];
    if (marks === "#") page = heading!;
    if (heading === undefined) parts.at(-1)?.lines.push(line);
    else parts.push({ title: marks === "#" ? heading : `${page}: ${heading.replaceAll("`", "")}`, lines: [] });
  }
  return parts
    .map(({ title, lines }, at) => ({ id: `${url} ${at}`, title, text: lines.join("\n").trim(), url }))
    .filter(({ text }) => text !== "");
}

/** Where people read what a `.md` says. */
const addressOf = (url: string): string => url.replace(/(?:\/index)?\.md$/, "/");

/** Parts of the pages that `llms.txt` lists; none where the platform serves no such file. */
async function pages(url: string): Promise<Part[]> {
  const list = (await textAt(`${url}/llms.txt`)) ?? (await textAt(`${url}/docs/llms.txt`)) ?? "";
  const links = [...list.matchAll(/\[[^\]]+\]\(([^)\s]+)\)/g)]
    // The platform's own address may have a path.
    .map(([, href]) => (href!.startsWith("/") ? `${url}${href}` : new URL(href!, `${url}/docs/`).href))
    // Pages of this platform alone.
    .filter((link) => link.startsWith(`${url}/`))
    .slice(0, MOST_PAGES);
  const parts: Part[] = [];
  const read = async () => {
    for (let link = links.shift(); link !== undefined; link = links.shift()) {
      const text = await textAt(link);
      if (text !== undefined) parts.push(...partsOf(addressOf(link), text));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return parts;
}

async function contract(triggers: Triggers): Promise<Part[]> {
  const { paths } = (await triggers.call("GET", "/openapi.json")) as unknown as OpenApi;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { summary = "", description = "" }]) => ({
      id: `${method} ${path}`,
      title: `${method.toUpperCase()} ${path}: ${summary}`,
      text: description,
      url: `${triggers.url}/docs/`,
    })),
  );
}

/** The part of a long text, from the beginning of a paragraph, that has most of the terms that were found. */
function excerptOf(text: string, terms: readonly string[]): string {
  if (text.length <= EXCERPT) return text;
  const low = text.toLowerCase();
  const starts = [0, ...[...text.matchAll(/\n\n/g)].map(({ index }) => index + 2)];
  const saidFrom = (at: number) => terms.filter((term) => low.slice(at, at + EXCERPT).includes(term)).length;
  const best = starts.reduce((one, other) => (saidFrom(other) > saidFrom(one) ? other : one));
  return text.slice(best, best + EXCERPT);
}

/** @returns a search over the documentation as it is now, the best first @throws Error where the platform can't be reached */
export async function docsSearch(
  triggers: Triggers,
): Promise<(query: string, limit: number) => readonly Omit<Part, "id">[]> {
  const found = await pages(triggers.url);
  const index = new MiniSearch<Part>({
    fields: ["title", "text"],
    storeFields: ["title", "text", "url"],
    searchOptions: {
      boost: { title: 3 },
      prefix: true,
      fuzzy: 0.15,
      boostDocument: (_id, _term, stored) => weightOf(String(stored?.url)),
    },
  });
  index.addAll(found.length > 0 ? found : await contract(triggers));
  return (query, limit) =>
    index
      .search(query)
      .slice(0, limit)
      .map(({ title, text, url, terms }) => ({ title, text: excerptOf(text as string, terms), url }));
}
