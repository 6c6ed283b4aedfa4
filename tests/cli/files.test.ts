import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite } from "uvu";
import { exits } from "../../cli/src/exits.ts";
import { beginPrivate, parsed, readNamed, readPrivate, writePrivate } from "../../cli/src/files.ts";

const test = suite("the CLI's files");
const folder = mkdtempSync(join(tmpdir(), "triggers-files-"));
const at = (name: string) => join(folder, name);
test.before(() => {
  mkdirSync(at("folder"));
  writeFileSync(at("text"), "text");
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const nobody = Readable.from([]);
const refusal = (message: string) => ({ exit: exits.usage, message });

test("a file that can't be read is told by its name, in words, as a wrong command line", async () => {
  assert.equal(await readNamed(at("text"), nobody), "text");
  assert.equal(await readNamed("-", Readable.from([Buffer.from("of "), Buffer.from("stdin")])), "of stdin");
  await assert.rejects(readNamed(at("none"), nobody), refusal(`There is no file ${at("none")}.`));
  await assert.rejects(readNamed(at("folder"), nobody), refusal(`${at("folder")} is a folder; name a file.`));
  await assert.rejects(
    readNamed(at("text/none"), nobody),
    refusal(`${at("text/none")} lies in something that is no folder.`),
  );
  assert.throws(() => readPrivate(at("none")), refusal(`There is no file ${at("none")}.`));
  assert.throws(() => parsed("{", "-"), /^CommandError|Standard input is not JSON/);
});

test("a place that can't be written is refused before anything is made for it", () => {
  assert.throws(() => beginPrivate(at("folder")), refusal(`${at("folder")} is a folder; name a file.`));
  const below = at("text/key");
  assert.throws(() => beginPrivate(below), refusal(`${below} lies in something that is no folder.`));
  assert.deepEqual(readdirSync(folder).sort(), ["folder", "text"]);
});

test("a file for its owner is there whole or not at all, and replaces what was there", () => {
  const file = at("new/key");
  const dropped = beginPrivate(file);
  assert.throws(() => readFileSync(file));
  dropped.drop();
  assert.deepEqual(readdirSync(at("new")), []);
  writePrivate(file, "one");
  const begun = beginPrivate(file);
  assert.equal(readFileSync(file, "utf8"), "one");
  begun.write("two");
  begun.drop();
  assert.deepEqual(
    [readFileSync(file, "utf8"), statSync(file).mode & 0o777, readdirSync(at("new"))],
    ["two", 0o600, ["key"]],
  );
});

test.run();
