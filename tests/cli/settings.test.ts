import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { exits } from "../../cli/src/exits.ts";
import { named, onKeys } from "../../cli/src/listen/keyboard.ts";
import { addressOf, connectionOf, forgetKey, keepKey } from "../../cli/src/settings.ts";
import { confirm, table, when } from "../../cli/src/text.ts";

const test = suite("the CLI's settings");
const folder = mkdtempSync(join(tmpdir(), "triggers-settings-"));
const env = { TRIGGERS_CONFIG: join(folder, "config") };
const project = join(folder, "project/src");
const none = { local: false, sandbox: false };
const key = (name: string) => `trg_live_${name}_secret`;
test.before(() => {
  mkdirSync(project, { recursive: true });
  mkdirSync(join(folder, "project/.triggers"));
  const local = { url: "http://127.0.0.1:8080", api_key: key("local"), sandbox_key: "trg_sandbox_local_secret" };
  writeFileSync(join(folder, "project/.triggers/local.json"), JSON.stringify(local));
  keepKey(env, { url: "https://a.example.com", apiKey: key("a") });
  keepKey(env, { url: "https://b.example.com", apiKey: key("b") });
  writeFileSync(join(folder, "key"), `${key("file")}\n`, { mode: 0o600 });
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const behaviour: [says: string, flags: object, more: Record<string, string>, url: string, apiKey: string][] = [
  ["the last kept key, where no address is named", {}, {}, "https://b.example.com", key("b")],
  ["the key of the address that is named", { url: "https://a.example.com/" }, {}, "https://a.example.com", key("a")],
  [
    "the environment before a kept key",
    {},
    { TRIGGERS_API_KEY: key("env"), TRIGGERS_URL: "https://c.example.com" },
    "https://c.example.com",
    key("env"),
  ],
  [
    "a file before the environment",
    { keyFile: join(folder, "key") },
    { TRIGGERS_API_KEY: key("env") },
    "http://127.0.0.1:8080",
    key("file"),
  ],
  [
    "this machine's before all others",
    { local: true },
    { TRIGGERS_API_KEY: key("env") },
    "http://127.0.0.1:8080",
    key("local"),
  ],
  ["this machine's sandbox", { sandbox: true }, {}, "http://127.0.0.1:8080", "trg_sandbox_local_secret"],
  [
    "the sandbox's where that is asked for, though the environment has a live key",
    { sandbox: true },
    { TRIGGERS_API_KEY: key("env") },
    "http://127.0.0.1:8080",
    "trg_sandbox_local_secret",
  ],
];
for (const [says, flags, more, url, apiKey] of behaviour)
  test(`the key is ${says}`, () =>
    assert.deepEqual(connectionOf({ ...none, ...flags }, { ...env, ...more }, project), { url, apiKey }));

test("a key is used only for the address it was made for; a key file that others can read is refused", () => {
  const refused = { exit: exits.key };
  assert.throws(() => connectionOf({ ...none, url: "https://d.example.com" }, env, project), refused);
  const open = join(folder, "open");
  writeFileSync(open, key("open"));
  chmodSync(open, 0o640);
  assert.throws(() => connectionOf({ ...none, keyFile: open }, env, project), refused);
  const kept = join(folder, "config/keys.json");
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.equal(forgetKey(env, "https://b.example.com"), true);
  assert.equal(forgetKey(env, "https://b.example.com"), false);
  assert.throws(() => connectionOf({ ...none, url: "https://b.example.com" }, env, project), refused);
  chmodSync(kept, 0o644);
  assert.throws(() => connectionOf({ ...none, url: "https://a.example.com" }, env, project), refused);
});

test("without a platform on this machine no key is found, and no other key is used in its place", () => {
  const elsewhere = { ...env, TRIGGERS_API_KEY: key("env"), TRIGGERS_STATE: join(folder, "none") };
  for (const flags of [{ sandbox: true }, { local: true }])
    assert.throws(() => connectionOf({ ...none, ...flags }, elsewhere, folder), { exit: exits.key });
  const both = { ...none, sandbox: true, keyFile: join(folder, "key") };
  assert.throws(() => connectionOf(both, elsewhere, folder), { exit: exits.usage });
});

test("an address is a whole one, and its slashes at the end don't count", () => {
  assert.equal(addressOf("https://a.example.com//"), "https://a.example.com");
  for (const text of ["127.0.0.1:8080", "a.example.com", "", "ftp://a.example.com", "http://"])
    assert.throws(() => addressOf(text), { exit: exits.usage, message: /is no address: write http:\/\/127/ });
});

test("keys that were kept and are damaged are said to be so, by their file", () => {
  const damaged = { TRIGGERS_CONFIG: join(folder, "damaged") };
  keepKey(damaged, { url: "https://a.example.com", apiKey: key("a") });
  writeFileSync(join(folder, "damaged/keys.json"), "{");
  const message = `${join(folder, "damaged/keys.json")} is not as "triggers login" writes it: delete it, and log in again.`;
  assert.throws(() => connectionOf(none, damaged, folder), { exit: exits.key, message });
});

test("a final change is made after a yes, or where --yes says it, and never because nobody is there to ask", async () => {
  const process = { stdin: { isTTY: false } } as never;
  await confirm(process, true, "Remove it?");
  await assert.rejects(confirm(process, false, "Remove it?"), {
    exit: exits.usage,
    message: 'Nobody can confirm it here: add "--yes".',
  });
});

test("times are said as people say them", () => {
  const now = Date.parse("2026-11-25T10:00:00Z");
  assert.deepEqual(
    ["15m", "24h", "7d", "2026-11-25T08:00:00+01:00"].map((text) => when(text, now)),
    ["2026-11-25T09:45:00.000Z", "2026-11-24T10:00:00.000Z", "2026-11-18T10:00:00.000Z", "2026-11-25T07:00:00.000Z"],
  );
  for (const text of ["soon", "5", "10 minutes", "2026"])
    assert.throws(() => when(text), { exit: exits.usage, message: new RegExp(`^${text} is no time`) });
});

test("a column is as wide as its longest cell", () =>
  assert.deepEqual(
    table(
      ["ID", "B"],
      [
        ["long one", "x"],
        ["s", ""],
      ],
    ),
    ["ID        B", "long one  x", "s"],
  ));

test("in a terminal each key press starts its action; outside a terminal no key is read", () => {
  const pressed: string[] = [];
  const modes: boolean[] = [];
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
    resume: () => undefined,
    pause: () => undefined,
  });
  const keys = { r: () => pressed.push("again"), [named.up]: () => pressed.push("up") };
  const stop = onKeys({ stdin } as never, keys);
  for (const key of ["r", "x", named.up]) stdin.emit("data", Buffer.from(key));
  stop();
  stdin.emit("data", Buffer.from("r"));
  assert.deepEqual(
    [pressed, modes],
    [
      ["again", "up"],
      [true, false],
    ],
  );
  stdin.isTTY = false;
  onKeys({ stdin } as never, keys)();
  assert.deepEqual(modes, [true, false]);
});

test.run();
