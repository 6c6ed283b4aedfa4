import MiniSearch from "minisearch";
import type { Triggers } from "../../../sdk/typescript/src/client.ts";

/** The platform's own documentation, searched: its reference from the OpenAPI document, and the pages that `llms.txt` lists. */
interface Page {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly url: string;
}

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly summary?: string; readonly description?: string }>>>
  >;
}

const MOST_PAGES = 300;
const AT_ONCE = 8;
const EXCERPT = 1_500;
const TIMEOUT_MS = 10_000;

async function textAt(url: string): Promise<string | undefined> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: "text/markdown, text/plain" },
  });
  const type = response.headers.get("content-type") ?? "";
  return response.ok && !type.includes("html") ? response.text() : undefined;
}

/** Pages that `llms.txt` lists, by its links; none where the platform serves no such file. */
async function guides(url: string): Promise<Page[]> {
  const list = (await textAt(`${url}/docs/llms.txt`)) ?? (await textAt(`${url}/llms.txt`)) ?? "";
  const links = [...list.matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)]
    .map(([, title, href]) => ({ title: title!, url: new URL(href!, `${url}/docs/`).href }))
    // Pages of this platform alone.
    .filter((link) => link.url.startsWith(`${url}/`))
    .slice(0, MOST_PAGES);
  const pages: Page[] = [];
  const read = async () => {
    for (let link = links.shift(); link !== undefined; link = links.shift()) {
      const text = await textAt(link.url);
      if (text !== undefined) pages.push({ id: link.url, text, ...link });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return pages;
}

async function reference(triggers: Triggers): Promise<Page[]> {
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

/** @returns a search over the documentation as it is now, the best first */
export async function docsSearch(
  triggers: Triggers,
): Promise<(query: string, limit: number) => readonly Omit<Page, "id">[]> {
  const [pages, calls] = await Promise.all([guides(triggers.url), reference(triggers)]);
  const index = new MiniSearch<Page>({
    fields: ["title", "text"],
    storeFields: ["title", "text", "url"],
    searchOptions: { boost: { title: 3 }, prefix: true, fuzzy: 0.15 },
  });
  index.addAll([...pages, ...calls]);
  return (query, limit) =>
    index
      .search(query)
      .slice(0, limit)
      .map(({ title, text, url }) => ({ title, text: (text as string).slice(0, EXCERPT), url }));
}
