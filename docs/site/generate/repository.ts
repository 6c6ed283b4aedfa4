/** Pages that are the repository's own: read where they lie, with their links led to where they are served. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { addressOf, firstSentence, type SitePage } from "./page.ts";

const root = join(import.meta.dirname, "../../..");

/** Where files of `docs/` are served, by their path below the project's root. */
const places: Readonly<Record<string, string>> = {
  "docs/errors.md": "errors",
  "docs/changelog.md": "changelog",
  "docs/delivery.md": "guides/retries",
  "docs/matching.md": "guides/selectors",
  "docs/zapier.md": "guides/zapier",
  "docs/api-keys.md": "guides/api-keys",
  "docs/limits.md": "guides/limits",
  "docs/metrics.md": "guides/metrics",
  "docs/guarantees.md": "guides/guarantees",
  "sdk/typescript/README.md": "sdks/typescript",
  "sdk/python/README.md": "sdks/python",
  "cli/README.md": "cli",
};

const kept = globSync(["docs/*.md", "docs/{runbooks,decisions}/*.md", ...Object.keys(places)], { cwd: root }).sort();

/** Pages that are written for the site alone. */
const AUTHORED = /^docs\/site\/pages\/(.+)\.md$/;

/** @param path below the project's root @returns undefined for what is not served */
function slugOf(path: string): string | undefined {
  const authored = AUTHORED.exec(path)?.[1];
  if (authored !== undefined) return authored === "index" ? "" : authored;
  if (!kept.includes(path)) return undefined;
  return places[path] ?? `operating/${path.slice("docs/".length, -".md".length)}`;
}

/** Links to other pages lead to them; one to a file that is not served is left as its text. */
const withLinks = (markdown: string, path: string): string =>
  markdown.replaceAll(
    /\[([^\]]+)\]\((?!https?:|mailto:|#|\/)([^)#\s]*)(#[^)\s]*)?\)/g,
    (_, text: string, to, at = "") => {
      const slug = slugOf(relative(root, join(root, dirname(path), to as string)));
      return slug === undefined ? text : `[${text}](${addressOf(slug)}${at as string})`;
    },
  );

/** @param path below the project's root, of a file whose first line is its title */
export function repositoryPage(path: string): SitePage {
  const [first = "", ...rest] = readFileSync(join(root, path), "utf8").split("\n");
  const title = first.replace(/^# /, "").replaceAll("`", "");
  const body = withLinks(rest.join("\n").trim(), path);
  return { slug: slugOf(path)!, title, description: firstSentence(body), body };
}

export const has = (path: string): boolean => existsSync(join(root, path));

/** The files of `docs/` that have no place of their own: how the platform is operated. */
export const operatingFiles = (folder: "" | "runbooks/" | "decisions/"): readonly string[] =>
  kept.filter((path) => path === `docs/${folder}${basename(path)}` && places[path] === undefined);
