import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { JsonFile } from "../../local/jsonFile.ts";
import { openState } from "../../local/platform/state.ts";
import { StartError } from "../../local/startError.ts";

const test = suite("state folder");

let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "state-"));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const held = (pid: number) =>
  new RegExp(
    `^The state in ${folder} is in use by process ${pid}, which began at [0-9T:.-]+Z\\.\\nStop that one first, or set TRIGGERS_STATE to another folder\\.$`,
  );
const refused = (message: RegExp | string) => (cause: unknown) => {
  assert.ok(cause instanceof StartError, String(cause));
  if (typeof message === "string") assert.equal(cause.message, message);
  else assert.match(cause.message, message);
  return true;
};

test("one platform at a time uses the folder, within a process too, and the next one once it is released", () => {
  const state = openState(folder, false);
  assert.throws(() => openState(folder, false), refused(held(process.pid)));
  state.release();
  openState(folder, false).release();
});

/** Holds the folder in a process that nobody waits for: its parent goes on as another program, so a killed one stays a zombie. */
async function holder(): Promise<{ pid: number; end(): void }> {
  const script = `import { openState } from ${JSON.stringify(join(import.meta.dirname, "../../local/platform/state.ts"))};
    openState(${JSON.stringify(folder)}, false); console.log(process.pid); setInterval(() => {}, 1000);`;
  const shell = `"${process.execPath}" --input-type=module -e "$SCRIPT" & exec sleep 60`;
  const parent = spawn("sh", ["-c", shell], {
    env: { ...process.env, SCRIPT: script },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [first] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(first.toString());
  // A failed test must leave no process behind: it would hold the pipe that the runner reads to its end.
  const end = () => {
    for (const each of [pid, parent.pid!]) {
      try {
        process.kill(each, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
  };
  return { pid, end };
}

test("a killed holder has released its lock at once, even while it is still in the list of processes", async () => {
  const { pid, end } = await holder();
  try {
    assert.throws(() => openState(folder, false), refused(held(pid)));
    process.kill(pid, "SIGKILL");
    // The kill is carried out when the process next runs; the lock goes with it, the entry stays until its parent asks.
    for (;;) {
      try {
        openState(folder, false).release();
        break;
      } catch (cause) {
        if (!(cause instanceof StartError)) throw cause;
      }
    }
    assert.doesNotThrow(() => process.kill(pid, 0));
  } finally {
    end();
  }
});

test("a lock of a dead process is not taken for that of a new process with the same id", () => {
  writeFileSync(join(folder, "holder.json"), JSON.stringify({ pid: 1, started_at: "2020-01-01T00:00:00.000Z" }));
  writeFileSync(join(folder, "platform.lock"), "1");
  openState(folder, false).release();
});

test("state of version 1 is taken over, that of a newer version is left alone", () => {
  const file = join(folder, "state.json");
  writeFileSync(file, JSON.stringify({ version: 1, receiver_port: 4711 }));
  const state = openState(folder, false);
  assert.equal(state.receiverPort, 4711);
  state.release();
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { version: 2, receiver_port: 4711 });
  writeFileSync(file, JSON.stringify({ version: 3, receiver_port: 0 }));
  for (let again = 0; again < 2; again += 1)
    assert.throws(
      () => openState(folder, false),
      refused(
        `The state in ${folder} was written by another version of the platform (state version 3, this one reads 2).\nStart that version, or set TRIGGERS_STATE to another folder. "npm start -- --fresh" begins anew here, and deletes every event and key in it.`,
      ),
    );
});

test("a file that was cut short is named with its remedy, and does not count as missing", () => {
  const state = openState(folder, false);
  state.writeLocal({ url: "", api_key: "a", sandbox_key: "s", operator_key: "o", sink_url: "", pid: 1 });
  truncateSync(join(folder, "local.json"), 20);
  assert.throws(
    () => state.readLocal(),
    refused(
      /^.*local\.json can't be read: .*\.\nIt holds the keys of the demo customer\. Put back a copy of it\. Or delete it: /,
    ),
  );
  state.release();
  truncateSync(join(folder, "state.json"), 5);
  assert.throws(() => openState(folder, false), refused(/^.*state\.json can't be read: .*\.\nIt tells which version/));
  writeFileSync(join(folder, "kms.json"), '{"keys":');
  assert.throws(
    () => new JsonFile(join(folder, "kms.json"), {}),
    refused(/^.*kms\.json can't be read: .*\.\nPut back a copy of it: /),
  );
});

test("the refusal names a file that stands in the folder's place", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  assert.throws(
    () => openState(file, false),
    refused(
      `The state in ${file} can't be used: EEXIST: file already exists, mkdir '${file}'.\nSee that ${file} is a folder with room that this user may write, or set TRIGGERS_STATE to another one.`,
    ),
  );
  const below = join(file, "state");
  assert.throws(() => openState(below, false), refused(/^The state in .* can't be used: ENOTDIR/));
});

test("the refusal names a folder that can't be written", () => {
  const occupied = join(folder, "occupied");
  mkdirSync(join(occupied, "lock.sqlite"), { recursive: true });
  assert.throws(
    () => openState(occupied, false),
    refused(/^The state in .*occupied can't be used: unable to open database file/),
  );
});

test.run();
