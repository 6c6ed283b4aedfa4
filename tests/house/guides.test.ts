import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import { settingsSchema } from "../../components/stack/settings.ts";

const root = join(import.meta.dirname, "../..");
const scripts = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> })
  .scripts;
/** Names that the program's pages return, in any role. */
const outputs = new Set(
  ["index.ts", "standby.ts"]
    .map((file) => readFileSync(join(root, file), "utf8"))
    .flatMap((page) => [...page.matchAll(/\n {2}return \{\n([\s\S]*?)\n {2}\};/g)].map(([, members]) => members!))
    .flatMap((members) => [...members.matchAll(/^ {4,6}(\w+):/gm)].map(([, name]) => name!)),
);

for (const page of ["README.md", "SECURITY.md", ...globSync("docs/**/*.md", { cwd: root }).sort()]) {
  const text = readFileSync(join(root, page), "utf8");

  test(`${page}: every npm script exists`, () =>
    assert.deepEqual(
      [...text.matchAll(/npm run ([a-z][\w:-]*)/g)]
        .map(([, name]) => name!)
        .filter((name) => scripts[name] === undefined),
      [],
    ));

  test(`${page}: every option of an npm script is one that the script takes`, () =>
    assert.deepEqual(
      [...text.matchAll(/npm run ([a-z][\w:-]*) -- ([^`#\n]*)/g)].flatMap(([, name, given]) => {
        const program = readFileSync(join(root, /\S+\.ts$/.exec(scripts[name!]!)![0]), "utf8");
        // What stands in "$( … )" belongs to another program.
        return [...given!.replaceAll(/"\$\(.*?\)"/g, "").matchAll(/(?<=^| )--([a-z][a-z-]*)/g)]
          .filter(([, option]) => !new RegExp(`${option}"?: [{"]`).test(program))
          .map(([option]) => `${name} ${option}`);
      }),
      [],
    ));

  test(`${page}: every setting exists`, () =>
    assert.deepEqual(
      [...text.matchAll(/triggers:([A-Za-z]+)/g)]
        .map(([, key]) => key!)
        .filter((key) => !(key in settingsSchema.shape)),
      [],
    ));

  test(`${page}: every output of the stack exists`, () =>
    assert.deepEqual(
      [...text.matchAll(/pulumi stack output (\w+)/g)].map(([, name]) => name!).filter((name) => !outputs.has(name)),
      [],
    ));

  test(`${page}: every link into the project leads somewhere`, () =>
    assert.deepEqual(
      [...text.matchAll(/\]\((?!https?:|#|mailto:|\/)([^)#\s]+)/g)]
        .map(([, target]) => target!)
        .filter((target) => !existsSync(join(root, dirname(page), target))),
      [],
    ));

  test(`${page}: every test that it names exists, under its title`, () =>
    assert.deepEqual(
      [...text.matchAll(/`(tests\/[\w/.-]+\.test\.ts)`(?:: "([^"]+)")?/g)]
        .filter(([, file, title]) => {
          const path = join(root, file!);
          return !existsSync(path) || (title !== undefined && !readFileSync(path, "utf8").includes(`"${title}"`));
        })
        .map(([named]) => named),
      [],
    ));

  test(`${page}: every script of the project that it calls exists`, () =>
    assert.deepEqual(
      [...text.matchAll(/(?<![\w/.])(\.github\/[\w/.-]+\.sh)/g)]
        .map(([, file]) => file!)
        .filter((file) => !existsSync(join(root, file))),
      [],
    ));
}

test.run();
