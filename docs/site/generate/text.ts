/** Pages as plain Markdown, and the list of them for language models (https://llmstxt.org). */
import { addressOf, type Group, isGroup, pagesIn, type SitePage } from "./page.ts";

/** A page without what only a browser makes something of: the text a reader in a terminal gets. */
export function textOf({ title, body }: SitePage): string {
  const plain = body
    .replaceAll(/^<\/?code-tabs>\n*/gm, "")
    .replaceAll(/^<try-it .*<\/try-it>\n*/gm, "")
    .replaceAll(/^<verify-form><\/verify-form>\n*/gm, "")
    .replaceAll(/^```(\w*) title="([^"]+)"$/gm, "$2:\n\n```$1");
  return `# ${title}\n\n${plain.trim()}\n`;
}

/** Path of a page's text below `/docs/`. */
export const textPathOf = (slug: string): string => `${slug === "" ? "index" : slug}.md`;

export function llmsText(groups: readonly Group[]): string {
  const section = ({ label, pages }: Group): string => {
    const inside = pages.flatMap((entry) => (isGroup(entry) ? pagesIn(entry.pages) : [entry]));
    const lines = inside.map(
      ({ slug, title, description }) => `- [${title}](/docs/${textPathOf(slug)}): ${description}`,
    );
    return `## ${label}\n\n${lines.join("\n")}`;
  };
  return [
    "# Triggers",
    "> Events in at one endpoint, matched by content, delivered to webhooks, signed, with retries for 24 hours. `POST /events` is the beginning.",
    "Each page below is Markdown; the same address without `.md` is for browsers. The whole contract is /openapi.json.",
    ...groups.map(section),
  ].join("\n\n");
}

/** What other programs, the console among them, ask the documentation for: pages, and where a call is described. */
export const indexOf = (groups: readonly Group[], calls: Readonly<Record<string, string>>) => ({
  pages: pagesIn(groups).map(({ slug, title, description }) => ({
    href: addressOf(slug),
    text: `/docs/${textPathOf(slug)}`,
    title,
    description,
  })),
  calls,
});
