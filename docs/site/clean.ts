/**
 * What Starlight writes into its pages and a strict policy forbids: scripts and styles in the markup. Each goes into a file of its own, by
 * the hash of its text, so that a page holds neither and `script-src 'self'`, `style-src 'self'` are enough.
 */
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DefaultTreeAdapterTypes, defaultTreeAdapter, parse, serialize } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const isElement = (node: Node): node is Element => "tagName" in node;

function* elementsIn(node: Node): Generator<Element> {
  if (isElement(node)) yield node;
  if ("content" in node) yield* elementsIn(node.content);
  if ("childNodes" in node) for (const child of node.childNodes) yield* elementsIn(child);
}

const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((each) => each.name === name)?.value;

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

const ROLES: Readonly<Record<string, string>> = {
  table: "table",
  thead: "rowgroup",
  tbody: "rowgroup",
  tr: "row",
  th: "columnheader",
  td: "cell",
};

const textOf = (node: Node): string =>
  "value" in node ? node.value : "childNodes" in node ? node.childNodes.map(textOf).join("") : "";

/**
 * Puts a table into a frame that scrolls by itself, also by keys. On a phone each row becomes a card (docs.css): so that it stays a table
 * for who hears it, its parts say what they are, and each cell has the name of its column.
 */
function framed(table: Element): void {
  const parent = table.parentNode as Element;
  if (attribute(parent, "class") === "table") return;
  const frame = defaultTreeAdapter.createElement("div", table.namespaceURI, [
    { name: "class", value: "table" },
    { name: "tabindex", value: "0" },
    { name: "role", value: "group" },
    { name: "aria-label", value: "Table" },
  ]);
  defaultTreeAdapter.insertBefore(parent, frame, table);
  defaultTreeAdapter.detachNode(table);
  defaultTreeAdapter.appendChild(frame, table);
  const parts = [...elementsIn(table)].filter(({ tagName }) => tagName in ROLES);
  const columns = parts.filter(({ tagName }) => tagName === "th").map(textOf);
  for (const part of parts) {
    part.attrs.push({ name: "role", value: ROLES[part.tagName]! });
    if (part.tagName !== "td") continue;
    const row = (part.parentNode as Element).childNodes.filter(isElement);
    part.attrs.push({ name: "data-column", value: columns[row.indexOf(part)] ?? "" });
  }
}

/** Expressive Code knows the words that it coloured by their style; here they are known by its class. */
const BY_STYLE = /[^{}]*\[style\^='--'\]:not\(\[class\]\)[^{}]*\{[^}]*\}/g;

const rulesByStyle = (folder: string): string[] =>
  globSync("_astro/ec.*.css", { cwd: folder })
    .flatMap((name) => readFileSync(join(folder, name), "utf8").match(BY_STYLE) ?? [])
    .map((rule) => rule.replaceAll("[style^='--']:not([class])", "[class^='as-']"));

/** @param folder of the built pages, which are changed in place */
export async function cleanPages(folder: string): Promise<void> {
  mkdirSync(join(folder, "_astro"), { recursive: true });
  const rules = new Map<string, string>();
  const scripts = new Map<string, string>();
  const pages = globSync("**/*.html", { cwd: folder }).map((name) => {
    const file = join(folder, name);
    return { file, document: parse(readFileSync(file, "utf8")) };
  });
  for (const { document } of pages)
    for (const element of [...elementsIn(document)]) {
      const style = attribute(element, "style");
      if (style !== undefined) {
        const name = `as-${shortHash(style)}`;
        rules.set(name, style);
        const known = attribute(element, "class");
        element.attrs = [
          ...element.attrs.filter((each) => each.name !== "style" && each.name !== "class"),
          { name: "class", value: known === undefined ? name : `${known} ${name}` },
        ];
      }
      if (element.tagName === "script" && attribute(element, "src") === undefined) {
        const text = element.childNodes.map((child) => ("value" in child ? child.value : "")).join("");
        const name = `i${shortHash(text)}.js`;
        scripts.set(name, text);
        element.attrs.push({ name: "src", value: `/docs/_astro/${name}` });
        element.childNodes = [];
      }
      if (element.tagName === "table") framed(element);
      // Code scrolls by itself. A script takes this away again where it has room enough; until then, and without it, keys reach it.
      if (element.tagName === "pre" && attribute(element, "tabindex") === undefined)
        element.attrs.push({ name: "tabindex", value: "0" });
      if (element.tagName === "style") throw new Error("a page holds a <style>, which its policy forbids");
    }
  for (const [name, text] of scripts) writeFileSync(join(folder, "_astro", name), text);
  // Twice the class, so that a rule wins over those of the same element as a style in the markup would.
  const moved = [...rules].map(([name, style]) => `.${name}.${name}{${style}}`);
  const css = [...moved, ...rulesByStyle(folder)].join("\n");
  const sheet = `styles.${shortHash(css)}.css`;
  writeFileSync(join(folder, "_astro", sheet), css);
  for (const { file, document } of pages) {
    const head = [...elementsIn(document)].find(({ tagName }) => tagName === "head");
    const html = serialize(document);
    if (head === undefined) throw new Error(`${file} has no head`);
    writeFileSync(file, html.replace("</head>", `<link rel="stylesheet" href="/docs/_astro/${sheet}"></head>`));
  }
}
