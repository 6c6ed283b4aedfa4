import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "@stricli/core";
import { test } from "uvu";
import { appFor } from "../../cli/src/app.ts";
import { exitOfAll, exits } from "../../cli/src/exits.ts";
import { helpOfAll } from "../../cli/src/help.ts";
import { TriggersConnectionError, TriggersError } from "../../sdk/typescript/src/errors.ts";

const readme = readFileSync(new URL("../../cli/README.md", import.meta.url), "utf8");
const commands = helpOfAll(appFor(false));

test("every command answers in JSON where it is asked to", () =>
  assert.deepEqual(
    commands.filter(([, help]) => !help.includes("--json")).map(([name]) => name),
    [],
  ));

test("the README has every command, and no other", () =>
  assert.deepEqual(
    [...readme.matchAll(/^\| `triggers ([a-z]+(?: [a-z]+)?)/gm)].map(([, name]) => `triggers ${name}`).sort(),
    commands.map(([name]) => name).sort(),
  ));

test("the README has every exit code", () =>
  assert.deepEqual(
    [...readme.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code)),
    Object.values(exits),
  ));

/** What a command line is answered before a command begins. */
async function fault(line: string): Promise<string> {
  let said = "";
  const stream = { write: (text: string) => (said += text) };
  const process = { stdout: stream, stderr: stream, env: {}, exitCode: undefined } as never;
  await run(appFor(line.includes("--json")), line.split(" "), { process });
  return said;
}

test("a wrong command line is told like every other fault: in words, or as JSON where that is asked for", async () => {
  for (const [line, message] of [
    ["why", "Expected argument for event-id"],
    ["tail --count 0", 'Failed to parse "0" for count: write 1 or more'],
    ["listen 3000 --count x", 'Failed to parse "x" for count: x is no whole number'],
    ["send --bogus", "No flag registered for --bogus"],
    ["completion tcsh", 'Failed to parse "tcsh" for shell: one of bash, zsh, fish'],
  ] as const) {
    assert.equal(await fault(line), `triggers: ${message}\n`);
    assert.deepEqual(JSON.parse(await fault(`${line} --json`)), { error: { code: "command", message } });
  }
  assert.equal(await fault("sned"), "triggers: No command registered for `sned`, did you mean `send`?\n");
});

test("flags that do not go together are refused before anything is sent or made", async () => {
  for (const [line, message] of [
    [
      "send --lines --dry-run events.jsonl",
      "Leave out --dry-run and --idempotency-key with --lines: its events go in many requests.",
    ],
    [
      "send --lines --idempotency-key k events.jsonl",
      "Leave out --dry-run and --idempotency-key with --lines: its events go in many requests.",
    ],
    [
      "subscriptions create --file definition.json --workflow orders",
      "Give --file, or the webhook's URL with its selector and workflow; not both.",
    ],
    ["listen http://127.0.0.1:3000 --path /hook", "--path belongs to a port: write an address with its path in it."],
  ] as const)
    assert.equal(await fault(line), `triggers: ${message}\n`);
});

test("a pipe whose reader has enough ends the program without a fault", async () => {
  const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "completion", "bash"]);
  child.stdout.destroy();
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, "close");
  assert.deepEqual([code, said], [0, ""]);
});

test("of several requests that failed, the exit code says the key or the platform where either is at fault", () => {
  const refusal = (status: number) => new TriggersError("invalid_event", "It is wrong.", { status });
  const away = new TriggersConnectionError("connection", "It can't be reached.", undefined, undefined);
  for (const [errors, exit] of [
    [[refusal(400), refusal(422)], exits.refused],
    [[new SyntaxError("no JSON")], exits.refused],
    [[refusal(400), refusal(401)], exits.key],
    [[refusal(409), away], exits.unreachable],
    [[refusal(503)], exits.unreachable],
  ] as const)
    assert.equal(exitOfAll(errors), exit);
});

test("no command has a flag that it leaves aside", () => {
  const connects = (help: string) => /--key-file/.test(help);
  assert.deepEqual(
    commands.filter(([, help]) => !connects(help)).map(([name]) => name),
    ["triggers start", "triggers login", "triggers completion"],
  );
});

test.run();
