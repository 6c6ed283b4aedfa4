/**
 * What is answered where the documentation has no page. The distribution asks the API for it after the bucket of pages; so it stands
 * apart from what is built there, and needs of that no more than a style sheet.
 */
import { html } from "hono/html";

/** Where most people wanted to go. */
const places = [
  ["/docs/", "Start in five minutes"],
  ["/docs/guides/troubleshooting/", "Why did nothing run?"],
  ["/docs/reference/", "Reference: every call"],
  ["/docs/errors/", "Errors, by their code"],
  ["/docs/sdks/", "SDKs and CLI"],
  ["/docs/llms.txt", "All pages, as a list"],
] as const;

/** Whether a path belongs to the documentation's pages. The bucket's key of a page ends in `/index.html`. */
export const isDocumentation = (path: string): boolean => path.startsWith("/docs/");

/** The page that was looked for, as people write it. */
const addressOf = (path: string): string => path.replace(/\/index\.html$/, "/");

const textOf = (address: string): string =>
  [
    "# This page is not there",
    `The documentation has nothing at ${address}. These are:`,
    places.map(([to, name]) => `- [${name}](${to})`).join("\n"),
    "",
  ].join("\n\n");

const pageOf = (address: string) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>This page is not there | Triggers</title>
<link rel="icon" href="/docs/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/missing.css">
</head>
<body>
<header><a href="/docs/">Triggers</a></header>
<main>
<h1>This page is not there</h1>
<p>The documentation has nothing at <code>${address}</code>. The address may be mistyped, or the page has moved.</p>
<form action="/docs/" role="search">
<label for="q">Search the documentation</label>
<input id="q" type="search" name="q" required>
<button>Search</button>
</form>
<nav aria-labelledby="places">
<h2 id="places">Pages that are often looked for</h2>
<ul>${places.map(([to, name]) => html`<li><a href="${to}">${name}</a></li>`)}</ul>
</nav>
</main>
</body>
</html>
`;

/** @param path that was asked for; one of a text (`.md`, `.txt`) is answered with text @returns 404 */
export async function missingPage(path: string): Promise<Response> {
  const address = addressOf(path);
  const isText = /\.(md|txt)$/.test(path);
  const body = isText ? textOf(address) : String(await pageOf(address));
  const contentType = `text/${isText ? "markdown" : "html"}; charset=utf-8`;
  return new Response(body, { status: 404, headers: { "content-type": contentType, "cache-control": "no-cache" } });
}
