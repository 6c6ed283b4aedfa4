/**
 * A function's module as a function that makes instances of it. Every execution environment has an instance of its own, and a module that is imported
 * once for each is compiled once for each: V8 learns of each copy alone what is hot in it, and no copy of fifteen ever is. What a function
 * makes shares compiled code, while each instance has variables of its own. docs/decisions/shared-code.md
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ParseResult, StaticExport, StaticImport } from "oxc-parser";
import { writeWhole } from "../wholeFile.ts";

/** Exported by the file: evaluates the module anew. @param meta its `import.meta` */
export type MakeInstance = (meta: object) => Promise<Record<string, unknown>>;

/**
 * Names that an ES module does not have and a CommonJS file has: they are parameters that are given no value. `import_meta`, as long as what it
 * stands for, keeps every column of the code where the source map has it.
 */
const PARAMETERS = "import_meta, require, module, exports, __filename, __dirname";

/** Part of the file's name: another number for another form, since files stay from one version to the next. */
const FORM = 2;

const blank = (text: string, start: number, end: number): string =>
  text.slice(0, start) + text.slice(start, end).replaceAll(/[^\n]/g, " ") + text.slice(end);

/** One `import` statement of the module, as the instance does it: in the order of the module, before anything else runs. */
function imported({ moduleRequest, entries }: StaticImport, at: number): string {
  const names = entries.map(({ importName, localName }) => {
    if (importName.kind === "NamespaceObject") return `${localName.value} = imported$${at}`;
    const name = importName.kind === "Default" ? "default" : importName.name!;
    return `{ ${JSON.stringify(name)}: ${localName.value} } = imported$${at}`;
  });
  return [`imported$${at} = await import(${JSON.stringify(moduleRequest.value)})`, ...names].join(", ");
}

/** The names under which the module exports something of its own; undefined where it exports in another way than `export { … }`. */
function exported(code: string, statements: readonly StaticExport[]): string[] | undefined {
  const named = statements.every(({ start, entries }) => {
    const list = /^export\s*\{/.test(code.slice(start, start + 100));
    return list && entries.every((one) => one.moduleRequest === null && one.exportName.name !== null);
  });
  if (!named) return undefined;
  return statements.flatMap(({ entries }) =>
    entries.map(({ exportName, localName }) => `${JSON.stringify(exportName.name)}: ${localName.name}`),
  );
}

/**
 * @param code of an ES module
 * @returns a CommonJS file that exports `MakeInstance`, whose second line begins with the module's first; undefined for a module that can't be had so, which is
 * imported then
 */
function instancesOf(code: string, { module, errors }: Pick<ParseResult, "module" | "errors">): string | undefined {
  if (errors.length > 0 || code.startsWith("#!")) return undefined;
  const members = exported(code, module.staticExports);
  if (members === undefined) return undefined;
  let body = code;
  for (const { start, end } of [...module.staticImports, ...module.staticExports]) body = blank(body, start, end);
  for (const { start, end } of module.importMetas) body = `${body.slice(0, start)}import_meta${body.slice(end)}`;
  const imports = module.staticImports.map(imported).join(", ");
  // What is imported has a scope of its own around the code, which may declare any name. V8 compiles a function in parentheses at once, with what it
  // runs at once: only then Node.js has something to keep in its cache of compiled code, which it fills before the function is called.
  const head = `"use strict"; module.exports = (async function (${PARAMETERS}) { ${imports && `const ${imports};`} return (async function () {`;
  return `${head}\n${body}\nreturn { ${members.join(", ")} }; })(); });\n`;
}

/** Whether the script means the same as the module. In a script `<!--` and `-->` begin a comment, unless they stand inside a text; in a module they never do. */
const readsAlike = (script: string, { comments, errors }: Pick<ParseResult, "comments" | "errors">): boolean =>
  errors.length === 0 && comments.every(({ start }) => script[start] === "/");

/**
 * Lays the file beside the module, with its source map, unless it is there.
 * @param module path of an ES module, `index.mjs`
 * @returns its path; undefined where the module has to be imported
 */
export async function layInstances(module: string): Promise<string | undefined> {
  if (!module.endsWith(".mjs")) return undefined;
  const file = join(dirname(module), `${basename(module, ".mjs")}.instances-${FORM}.cjs`);
  if (existsSync(file)) return file;
  const code = readFileSync(module, "utf8");
  const { parseSync } = await import("oxc-parser");
  const made = instancesOf(code, parseSync(module, code))?.replace(/^\/\/# sourceMappingURL=.*$/m, "");
  if (made === undefined) return undefined;
  if (/<!--|-->/.test(code) && !readsAlike(made, parseSync(file, made, { sourceType: "script" }))) return undefined;
  const map = `${module}.map`;
  const mapped = existsSync(map);
  try {
    if (mapped) {
      const lines = JSON.parse(readFileSync(map, "utf8")) as { mappings: string };
      // An empty line before the others.
      writeWhole(`${file}.map`, JSON.stringify({ ...lines, mappings: `;${lines.mappings}` }));
    }
    writeWhole(file, mapped ? `${made}//# sourceMappingURL=${basename(file)}.map\n` : made);
  } catch {
    // A disk that is full or can't be written must not keep a function from running.
    return undefined;
  }
  return file;
}
