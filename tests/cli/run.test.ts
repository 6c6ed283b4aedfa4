import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { CommandError } from "../../cli/src/exits.ts";
import { command, type Work } from "../../cli/src/run.ts";
import { table } from "../../cli/src/text.ts";
import { TriggersError } from "../../sdk/typescript/src/errors.ts";

/** What a command writes to a terminal. */
async function written(work: (out: Work<object>["out"]) => void, json = false, env = {}): Promise<string> {
  let text = "";
  const stream = { isTTY: true, write: (some: string) => (text += some) };
  const process = { stdout: stream, stderr: stream, env } as unknown as NodeJS.Process;
  const run = command<object, []>(async ({ out }) => work(out));
  await run.call({ process }, { json, local: false, sandbox: false });
  return text;
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ORDERS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

test("text of a sender or an endpoint can't control the terminal", () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
      for (const json of [false, true]) {
        assert.equal(ORDERS.test(await written((out) => out.answer({ odd: text }, () => text), json)), false);
        assert.equal(ORDERS.test(await written((out) => out.note(text), json)), false);
        const refused = () => {
          throw new CommandError(text);
        };
        assert.equal(ORDERS.test(await written(refused, json)), false);
      }
      const told = await written((out) => out.answer({ text }, () => ""), true);
      if (text.isWellFormed()) assert.deepEqual(JSON.parse(told), { text });
    }),
  ));

test("no text of a sender can look like a line of the program itself", async () => {
  const fake = "order\n2026-11-27T10:00:00Z  evt_FAKE  delivered\r\nand\u2028more\u202eback\ttab";
  const shown =
    "order\\u000a2026-11-27T10:00:00Z  evt_FAKE  delivered\\u000d\\u000aand\\u2028more\\u202eback\\u0009tab";
  const story = ["evt_1", fake];
  assert.equal(await written((out) => out.answer({}, () => story.map((text) => `  ${text}`))), `  evt_1\n  ${shown}\n`);
  assert.equal(await written((out) => out.answer({}, () => table(["TYPE"], [[fake]]))), `TYPE\n${shown}\n`);
  assert.equal(await written((out) => out.note(fake)), `${shown}\n`);
  const details = [{ path: "/event_type", message: fake }];
  const refused = () => {
    throw new TriggersError("invalid_event", fake, { status: 400, details } as never);
  };
  assert.equal(await written(refused), `triggers: ${shown}\n  /event_type\n`);
});

test("a refusal says each thing once, and where", async () => {
  const told = (details: readonly object[]) =>
    written(() => {
      throw new TriggersError("invalid_event", "It is wrong.", { status: 400, details } as never);
    });
  const lines = async (...details: readonly object[]) => (await told(details)).split("\n").slice(1, -1);
  assert.deepEqual(await lines({ message: "It is wrong." }), []);
  assert.deepEqual(await lines({ path: "/a", message: "It is wrong." }), ["  /a"]);
  assert.deepEqual(await lines({ index: 2, path: "/a", message: "must be a text" }), ["  event 2 /a: must be a text"]);
});

test("colours are the program's own", async () => {
  const told = await written((out) => out.answer({}, () => out.paint("a\u001b[31mb\u009b2J", 32)));
  assert.equal(told, "\u001b[32ma\\u001b[31mb\\u009b2J\u001b[0m\n");
  const painted = (NO_COLOR: string) => written((out) => out.answer({}, () => out.paint("a", 32)), false, { NO_COLOR });
  assert.deepEqual([await painted("1"), await painted("")], ["a\n", "\u001b[32ma\u001b[0m\n"]);
});

test.run();
