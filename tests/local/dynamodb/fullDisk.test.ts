import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { suite } from "uvu";
import type { Item } from "../../../local/dynamodb/dynaliteTypes.ts";
import { SqliteStore } from "../../../local/dynamodb/storage.ts";
import { ObjectStore } from "../../../local/s3/store.ts";

const test = suite("a full disk");

let folder: string;
const { exec } = DatabaseSync.prototype;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "full-disk-"));
});
test.after.each(() => {
  DatabaseSync.prototype.exec = exec;
  rmSync(folder, { recursive: true, force: true });
});

/** What SQLite does when a commit finds the disk full: it undoes the transaction, or leaves that to the caller. */
function fill(undone: boolean): void {
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql !== "COMMIT") return exec.call(this, sql);
    if (undone) exec.call(this, "ROLLBACK");
    throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
  };
}

const textOf = (store: SqliteStore, key: string): string | undefined => {
  let found: string | undefined;
  store.getItemDb("t").get(key, (error, item) => {
    found = error === null ? ((item as Item).v?.S as string | undefined) : undefined;
  });
  return found;
};

for (const undone of [true, false])
  test(`on a full disk a table refuses all changes of a turn, and goes on when there is room; undone by SQLite: ${undone}`, () => {
    const store = new SqliteStore(join(folder, "store.sqlite"), { accountId: "1", region: "r" });
    store.tableDb.put("t", { TableName: "t" } as never, () => {});
    store.commit();
    const put = (key: string) => store.getItemDb("t").put(key, { v: { S: key } }, () => {});
    put("a");
    store.commit();
    fill(undone);
    put("b");
    assert.throws(() => store.commit(), { message: "database or disk is full" });
    put("c");
    assert.throws(() => store.commit(), { message: "database or disk is full" });
    DatabaseSync.prototype.exec = exec;
    put("d");
    store.commit();
    assert.deepEqual(
      ["a", "b", "c", "d"].map((key) => textOf(store, key)),
      ["a", undefined, undefined, "d"],
    );
    store.close();
  });

test("an object that could not be stored leaves nothing behind, and the earlier one stays", () => {
  const store = new ObjectStore(folder, Date.now);
  store.addBucket("b");
  store.put("b", "key", Buffer.from("before"));
  fill(true);
  assert.throws(() => store.put("b", "key", Buffer.from("after")), { message: "database or disk is full" });
  DatabaseSync.prototype.exec = exec;
  assert.equal(store.read(store.find("b", "key")!).toString(), "before");
  assert.equal(readdirSync(join(folder, "objects", "b")).length, 1);
  store.put("b", "key", Buffer.from("later"));
  assert.equal(store.read(store.find("b", "key")!).toString(), "later");
  store.close();
});

test.run();
