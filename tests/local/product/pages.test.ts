import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import { requestBegan, requestEnded } from "../../../local/lambda/machine.ts";
import { pagesBeside } from "../../../local/product/pages.ts";
import { eventually } from "../../support/eventually.ts";

/** Puts three pages of a site, as operations/pages.ts does: it says that it begins, and waits for its turn before each. */
const SCRIPT = `
import { once } from "node:events";
import { appendFileSync } from "node:fs";
const say = (what) => appendFileSync(process.env.TRIGGERS_STATE + "/" + process.argv[2], what);
say("begun ");
for (let page = 0; page < 3; page += 1) {
  const told = once(process, "message");
  process.send("next");
  await told;
  say("put ");
}
process.exit();
`;
const WHOLE = "begun put put put ";

let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "triggers-pages-"));
  writeFileSync(join(folder, "put.mjs"), SCRIPT);
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const beside = () => pagesBeside(folder, assert.fail, () => undefined, join(folder, "put.mjs"));
/** Resolves when the process of a site waits for its first turn. */
const begun = (site: string) =>
  eventually(
    () => putOf(site),
    (text) => text !== "",
  );
const putOf = (site: string): string =>
  existsSync(join(folder, site)) ? readFileSync(join(folder, site), "utf8") : "";

test("the pages of both sites are put while nobody is answered", async () => {
  await beside().ready();
  assert.deepEqual([putOf("console"), putOf("docs")], [WHOLE, WHOLE]);
});

test("no page is put while somebody is answered, until somebody asks for a page of that site", async () => {
  requestBegan();
  const pages = beside();
  const ready = pages.ready();
  await begun("console");
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(putOf("console"), "begun ");
  await pages.filled("console/index.html");
  assert.equal(putOf("console"), WHOLE);
  await begun("docs");
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(putOf("docs"), "begun ");
  requestEnded();
  await ready;
  assert.equal(putOf("docs"), WHOLE);
});

test("a platform that stops while a page waits for its turn stops the process that puts it", async () => {
  requestBegan();
  const pages = beside();
  const ready = pages.ready();
  await begun("console");
  pages.stop();
  await ready;
  requestEnded();
  assert.deepEqual([putOf("console"), putOf("docs")], ["begun ", ""]);
});

test.run();
