/**
 * Code in pages. Invariant: no page holds code of its own that runs; it names files below `examples/`, which the tests run.
 * A line `<!-- examples: send -->` becomes the files of that name in every language, `<!-- example: node/receiver.mjs -->` one file.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");

/** Folders below `examples/` in the order in which languages are shown, and how a file of each is named. */
const folders = [
  { folder: "curl", label: "curl", ending: "sh", code: "sh" },
  { folder: "python", label: "Python", ending: "py", code: "python" },
  { folder: "node", label: "Node.js", ending: "mjs", code: "js" },
  { folder: "browser", label: "JavaScript", ending: "js", code: "js" },
] as const;

/** One piece of code in several languages, as Markdown that reads well by itself and that the page turns into tabs. */
export function tabs(
  parts: readonly { readonly label: string; readonly code: string; readonly text: string }[],
): string {
  const blocks = parts.map(({ label, code, text }) => `\`\`\`${code} title="${label}"\n${text.trimEnd()}\n\`\`\``);
  return `<code-tabs>\n\n${blocks.join("\n\n")}\n\n</code-tabs>`;
}

const textOf = (path: string): string => readFileSync(join(root, "examples", path), "utf8");

function inEveryLanguage(name: string): string {
  const found = folders.filter(({ folder, ending }) => existsSync(join(root, "examples", folder, `${name}.${ending}`)));
  if (found.length === 0) throw new Error(`there is no example "${name}"`);
  return tabs(
    found.map(({ folder, label, ending, code }) => ({ label, code, text: textOf(`${folder}/${name}.${ending}`) })),
  );
}

function oneFile(path: string): string {
  const code = folders.find(({ ending }) => path.endsWith(`.${ending}`))?.code ?? "";
  return `\`\`\`${code} title="examples/${path}"\n${textOf(path).trimEnd()}\n\`\`\``;
}

/** @throws Error naming an example that is not there */
export const withExamples = (markdown: string): string =>
  markdown
    .replaceAll(/^<!-- examples: (\S+) -->$/gm, (_, name: string) => inEveryLanguage(name))
    .replaceAll(/^<!-- example: (\S+) -->$/gm, (_, path: string) => oneFile(path));
