/** The first page of the documentation, as somebody follows it with a terminal. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeBlocksOf } from "./html.ts";

const root = join(import.meta.dirname, "../..");

/** What brings a platform up, on the first page and in README.md. */
export const FIRST_COMMAND = "npm install && npm start";

/**
 * Commands of the first page in the order in which they stand, as a reader of this language runs them in the second terminal.
 * @param page its HTML @throws AssertionError where it begins with something else than the command of README.md
 */
export function commandsOf(page: string, language: string): string[] {
  const files = new Set(
    globSync("examples/*/*", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8").trim()),
  );
  const commands = codeBlocksOf(page).filter(({ text }) => !files.has(text.trim()));
  const [first, ...others] = commands;
  assert.equal(first!.text, FIRST_COMMAND);
  assert.ok(readFileSync(join(root, "README.md"), "utf8").includes(FIRST_COMMAND));
  return others.flatMap(({ title, text, tabs }) => {
    const languages = others.filter((other) => tabs !== undefined && other.tabs === tabs).map((other) => other.title);
    const wanted = languages.includes(language) ? language : languages.at(-1);
    return tabs === undefined || title === wanted ? [text] : [];
  });
}
