import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { runScript } from "../support/process.ts";

/** What the commands of an operator say where they can't do anything. */
const test = suite("commands of an operator");

let empty: string;
/** The state of a platform that has ended: its files name a port that nobody listens at any longer. */
let ended: string;
test.before(async () => {
  empty = mkdtempSync(join(tmpdir(), "triggers-empty-"));
  ended = mkdtempSync(join(tmpdir(), "triggers-ended-"));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const outputs = {
    ...{ keysTable: "keys", pepperSecret: "pepper", operatorSecret: "operator", sealingSecret: "sealing" },
    ...{ bootstrapFunction: "bootstrap", deadLetterQueueUrls: [`${url}/000000000000/ingest-dead`] },
  };
  const gateway = { endpoint: url, access_key_id: "AKIA", secret_access_key: "secret", outputs };
  writeFileSync(join(ended, "gateway.json"), JSON.stringify(gateway));
  writeFileSync(join(ended, "deployment.json"), JSON.stringify({ deployment: {} }));
  writeFileSync(
    join(ended, "local.json"),
    JSON.stringify({ url, api_key: "trg_live_x", sandbox_key: "trg_sandbox_x" }),
  );
});
test.after(() => {
  for (const folder of [empty, ended]) rmSync(folder, { recursive: true, force: true });
});

const PEPPER = "npm run pepper -- [add | use | retire <version>]; see docs/api-keys.md";
const HASH = "0".repeat(64);
const SEEN = "--seen takes the last line that an earlier run printed: the number of an entry, a colon, its hash";
const wrong: [command: string, args: readonly string[], code: number, text: string][] = [
  ["pepper", ["use", "2"], 1, `nothing changed: ${PEPPER}`],
  ["pepper", ["retire"], 1, `nothing changed: ${PEPPER}`],
  ["pepper", ["retire", "1", "2"], 1, `nothing changed: ${PEPPER}`],
  ["pepper", ["use", "--settle-seconds", ""], 1, "nothing changed: --settle-seconds takes a number of seconds"],
  [
    "redrive",
    ["--queues", "none"],
    1,
    "--queues takes what this prints: pulumi stack output deadLetterQueueUrls --json",
  ],
  ["redrive", ["--queues", "[]"], 1, "--queues takes what this prints: pulumi stack output deadLetterQueueUrls --json"],
  ["auditVerify", ["--seen", "12"], 2, `not checked: ${SEEN}`],
  ["auditVerify", ["--seen", `0:${HASH}`], 2, `not checked: ${SEEN}`],
  ["auditVerify", ["--url", "https://example.com"], 2, "not checked: --url and --key go together"],
  ["auditVerify", ["--url", "here", "--key", "trg"], 2, 'not checked: --url takes the address of the API, not "here"'],
  ["verify", ["--events-per-second", "many"], 2, '--events-per-second takes a number above 0, not "many"'],
  ["verify", ["--event-bytes", "0"], 2, '--event-bytes takes a number above 0, not "0"'],
];
for (const [command, args, code, text] of wrong)
  test(`${command} ${args.join(" ")} is refused with what is wrong`, async () =>
    assert.deepEqual(await runScript(`operations/${command}.ts`, args, { TRIGGERS_STATE: empty }), {
      code,
      text: `${text}\n`,
    }));

for (const file of ["policies/compliance.ts", "program/cost/run.ts"])
  test(`${file} names the stack file that is missing`, async () => {
    const { code, text } = await runScript(file, ["--stack", "nowhere"]);
    assert.notEqual(code, 0);
    assert.match(text, /^There is no stack nowhere: \S+ holds no Pulumi\.nowhere\.yaml\.\n$/);
  });

const commands: [command: string, args: readonly string[], code: number, before: string][] = [
  ["pepper", [], 1, "nothing changed: "],
  ["sealing", ["seal"], 1, "nothing changed: "],
  ["redrive", [], 1, ""],
  ["auditVerify", [], 2, "not checked: "],
  ["verify", [], 2, ""],
];
for (const [command, args, code, before] of commands) {
  test(`${command} says how to start a platform where there is none`, async () =>
    assert.deepEqual(await runScript(`operations/${command}.ts`, args, { TRIGGERS_STATE: empty }), {
      code,
      text: `${before}There is no platform in ${empty}. Start one by "npm start", or set TRIGGERS_STATE to its folder.\n`,
    }));
  test(`${command} says in one line that the platform has ended`, async () => {
    const { code: ends, text } = await runScript(`operations/${command}.ts`, args, { TRIGGERS_STATE: ended });
    assert.equal(ends, code);
    assert.match(
      text,
      /^[^\n]*ECONNREFUSED[^\n]*\. Nothing listens there\. On this machine "npm start" starts the platform\.\n$/,
    );
  });
}

test("audit:verify judges nothing where something else than the API answers", async () => {
  const server = createServer((_, response) => response.writeHead(404).end("<html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    assert.deepEqual(await runScript("operations/auditVerify.ts", ["--url", url, "--key", "trg"]), {
      code: 2,
      text: "not checked: GET /audit answered 404: that is no list of this API\n",
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test.run();
