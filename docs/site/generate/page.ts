/** A page of the documentation before it is HTML. */
export interface SitePage {
  /** Path under `/docs/`, without slashes at its ends: `guides/retries`; "" is the first page. */
  readonly slug: string;
  readonly title: string;
  /** What the navigation says. @default the title */
  readonly label?: string;
  /** One sentence, for search and lists. */
  readonly description: string;
  /** Markdown below the title. Links into the documentation begin with `/docs/`. */
  readonly body: string;
}

/** Pages that stand together in the navigation. */
export interface Group {
  readonly label: string;
  readonly pages: readonly (SitePage | Group)[];
  /** Whether it is closed until somebody opens it. */
  readonly collapsed?: boolean;
}

export const isGroup = (entry: SitePage | Group): entry is Group => "pages" in entry;

export const pagesIn = (groups: readonly (SitePage | Group)[]): readonly SitePage[] =>
  groups.flatMap((entry) => (isGroup(entry) ? pagesIn(entry.pages) : [entry]));

/** Where a page is served. */
export const addressOf = (slug: string): string => (slug === "" ? "/docs/" : `/docs/${slug}/`);

const LONGEST = 200;

/** The first sentence of a text in Markdown, as plain words. */
export function firstSentence(markdown: string): string {
  const paragraph = markdown.split("\n\n").find((part) => /^\s*[\w*`[]/.test(part)) ?? "";
  const plain = paragraph
    // A word that says what a paragraph is: "Context."
    .replace(/^\*\*\w+\.\*\* /, "")
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[`*]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  const sentence = /^.*?[.:](?=\s|$)/.exec(plain)?.[0] ?? plain;
  return sentence.length > LONGEST ? `${sentence.slice(0, LONGEST - 1)}…` : sentence.replace(/:$/, ".");
}
