import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import { callSnippet, languages } from "../../console/src/snippets.ts";
import { buildPages } from "../../docs/site/build.ts";
import { pagesIn } from "../../docs/site/generate/page.ts";
import { callOf, nameOf, operationsOf } from "../../docs/site/generate/reference.ts";
import { site } from "../../docs/site/generate/site.ts";
import { errorCatalog } from "../../runtime/domain/errors/errors.ts";
import { compileSelector } from "../../runtime/matching/index.ts";
import { attribute, codeBlocksOf, elementsOf, textIn } from "../support/html.ts";

/** The documentation as it is built: what people read, whether links lead somewhere, and what its policy forbids. */
const test = suite("documentation");
const root = join(import.meta.dirname, "../..");
const started = performance.now();
const files = new Map((await buildPages()).map(({ key, file }) => [`/${key}`, file]));
const { groups, document, calls } = await site();
const seconds = (performance.now() - started) / 1_000;
const pages = [...files].filter(([key]) => key.endsWith("/index.html"));
const html = new Map(pages.map(([key, file]) => [key.slice(0, -"index.html".length), readFileSync(file, "utf8")]));
const elements = new Map([...html].map(([address, text]) => [address, elementsOf(text)]));
const ids = new Map(
  [...elements].map(([address, all]) => [address, new Set(all.map((each) => attribute(each, "id")))]),
);
const bytes = [...files.values()].reduce((sum, file) => sum + readFileSync(file).length, 0);
process.stdout.write(
  `documentation: ${pages.length} pages, ${files.size} files of ${(bytes / 1e6).toFixed(1)} MB, ready after ${seconds.toFixed(1)} s\n`,
);

test("every page of the map is there, also as Markdown, and the list for language models names it", () => {
  const list = readFileSync(files.get("/docs/llms.txt")!, "utf8");
  const index = JSON.parse(readFileSync(files.get("/docs/index.json")!, "utf8")) as { pages: { href: string }[] };
  const slugs = pagesIn(groups).map(({ slug }) => slug);
  assert.deepEqual(index.pages.map(({ href }) => href).sort(), [...html.keys()].sort());
  for (const slug of slugs) {
    const text = `/docs/${slug === "" ? "index" : slug}.md`;
    assert.ok(list.includes(`](${text})`), text);
    const markdown = readFileSync(files.get(text)!, "utf8");
    assert.match(markdown, /^# \S/);
    assert.doesNotMatch(markdown, /^<(code-tabs|try-it|verify-form)/m, text);
  }
});

test("no link is dead: every page, anchor and file that a page names is there", () => {
  const elsewhere = /^(https?:|mailto:)/;
  const served = /^\/(openapi\.json|llms\.txt|console(\/[a-z-]*)?(\?[\w=&]+)?)$/;
  const dead = [...elements].flatMap(([address, all]) =>
    all.flatMap((element) => {
      const target = attribute(element, "href") ?? attribute(element, "src");
      if (target === undefined || elsewhere.test(target) || served.test(target)) return [];
      const [written = "", anchor] = target.startsWith("#") ? [address, target.slice(1)] : target.split("#");
      const path = /\.\w+$|\/$/.test(written) ? written : `${written}/`;
      if (anchor === "" || anchor === "_top") return [];
      const page = ids.get(path);
      const there = page === undefined ? files.has(path) : anchor === undefined || page.has(decodeURIComponent(anchor));
      return there ? [] : [`${address}: ${target}`];
    }),
  );
  assert.deepEqual(dead, []);
});

test("a page holds no script and no style in its markup, and loads nothing from another host", () => {
  for (const [address, all] of elements)
    for (const element of all) {
      const { tagName, attrs } = element;
      const bad = attrs.filter(({ name }) => name === "style" || name.startsWith("on"));
      assert.deepEqual(bad, [], `${address} <${tagName}>`);
      if (tagName === "style") assert.fail(`${address} holds a <style>`);
      if (tagName === "script") assert.match(attribute(element, "src") ?? "", /^\/docs\//, address);
      if (["img", "iframe", "video"].includes(tagName)) assert.match(attribute(element, "src") ?? "", /^\/docs\//);
      if (tagName === "link" && attribute(element, "rel") === "stylesheet")
        assert.match(attribute(element, "href") ?? "", /^\/docs\//);
    }
  for (const [key, file] of files)
    if (key.endsWith(".css")) assert.doesNotMatch(readFileSync(file, "utf8"), /url\(["']?https?:|@import/, key);
});

test("every page says its title once, and has a description", () => {
  for (const [address, all] of elements) {
    const titles = all.filter(({ tagName }) => tagName === "h1");
    assert.equal(titles.length, 1, address);
    const description = all.find((each) => attribute(each, "name") === "description");
    assert.ok((attribute(description!, "content") ?? "").length > 10, address);
  }
});

test("every error code is an entry of its own, where `docs` of an answer points", () => {
  for (const [code, { when, remedy }] of Object.entries(errorCatalog)) {
    assert.ok(ids.get("/docs/errors/")!.has(code), code);
    const text = elements.get("/docs/errors/")!.map(textIn).join("\n");
    for (const said of [when, remedy])
      assert.ok(text.includes(said.replaceAll("`", "").slice(0, 60)), `${code}: ${said}`);
  }
});

test("every call is described under its anchor, with the code of all four languages; POST /events is the first", () => {
  const operations = operationsOf(document);
  assert.equal(nameOf(operations[0]!), "POST /events");
  const first = elements.get("/docs/reference/events/")!.find(({ tagName }) => tagName === "h2");
  assert.ok(first !== undefined);
  for (const operation of operations) {
    const [address, anchor] = calls[nameOf(operation)]!.split("#") as [string, string];
    assert.ok(ids.get(address)!.has(anchor), `${nameOf(operation)} is not at ${address}#${anchor}`);
    const shown = codeBlocksOf(html.get(address)!);
    for (const language of languages) {
      const text = callSnippet(language, callOf(operation));
      assert.ok(
        shown.some((block) => block.title === language && block.text === text),
        `${nameOf(operation)} in ${language}`,
      );
    }
    const forms = elements.get(address)!.filter(({ tagName }) => tagName === "try-it");
    assert.ok(
      forms.some((form) => {
        const call = JSON.parse(attribute(form, "data-call")!) as { method: string; path: string };
        return `${call.method} ${call.path}` === nameOf(operation);
      }),
      `${nameOf(operation)} can be tried`,
    );
  }
});

test("every parameter of every call says what it means", () => {
  const mute = operationsOf(document).flatMap((operation) =>
    (operation.parameters ?? [])
      .filter(({ description, schema }) => !(description || schema?.description))
      .map(({ name }) => `${nameOf(operation)}: ${name}`),
  );
  assert.deepEqual(mute, []);
});

/** Making an export of another product, and reading it. */
const MOVING =
  /^((\w+=\S+ )+(node|sh) examples\/moving\/\w+\.\w+ > export\.json|triggers import --from \w+ export\.json)\n$/;

test("every piece of code that runs is a file below examples/, or made of the contract", () => {
  const made = new Set(
    operationsOf(document).flatMap((operation) => languages.map((each) => callSnippet(each, callOf(operation)))),
  );
  for (const { slug, body } of pagesIn(groups).filter(({ slug }) =>
    existsSync(join(root, `docs/site/pages/${slug === "" ? "index" : slug}.md`)),
  )) {
    const source = readFileSync(join(root, `docs/site/pages/${slug === "" ? "index" : slug}.md`), "utf8");
    const typed = [...source.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)];
    // What is typed is JSON to read, commands of the first page, which a test follows, or those of the guides for moving, likewise.
    for (const [, language, text] of typed) {
      if (slug === "") assert.equal(language, "sh");
      else assert.ok(language === "json" || MOVING.test(text!), `${slug}: ${text}`);
    }
    assert.doesNotMatch(body, /<!-- example/, slug);
  }
  assert.ok(made.size > 300);
});

test("every CEL expression in the tables of the guides compiles", () => {
  const tables = ["filters", "moving-from-eventbridge"].map((name) =>
    readFileSync(join(root, `docs/site/pages/guides/${name}.md`), "utf8"),
  );
  const expressions = tables
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.startsWith("| "))
    .flatMap((line) => [...(line.split("|").slice(-2)[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, code]) => code!))
    .filter((code) => /\bevent\./.test(code));
  assert.ok(expressions.length >= 12, String(expressions.length));
  const refused = expressions.flatMap((cel) => {
    try {
      compileSelector({ cel });
      return [];
    } catch (cause) {
      return [`${cel}: ${(cause as Error).message}`];
    }
  });
  assert.deepEqual(refused, []);
});

test.run();
