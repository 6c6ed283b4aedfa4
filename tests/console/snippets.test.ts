import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { type Language, languages, snippet } from "../../console/src/snippets.ts";

/** Code that the composer shows runs as it is, and sends what was written: byte for byte, whatever quotes are in it. */
interface Got {
  readonly authorization: string | undefined;
  readonly key: string | undefined;
  readonly body: string;
}

const bodies = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to arrive as it is
  '{"event_type":"order.created","text":"it\'s \\"quoted\\" \\\\ and $HOME `date` ${x}"}',
  '[{"a":1},\n {"b":"ä — 漢字 \u2028"}]',
];
const key = "trg_sandbox_test";

const run = (command: string, args: readonly string[], input: string): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, TRIGGERS_API_KEY: key } });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
    child.stdin.end(input);
  });

const runs: Readonly<Record<Language, (code: string) => Promise<{ code: number; output: string }>>> = {
  curl: (code) => run("sh", ["-s"], code),
  Python: (code) => run("python3", ["-"], code),
  "Node.js": (code) => run(process.execPath, ["--input-type=module"], code),
  JavaScript: (code) =>
    run(process.execPath, ["--input-type=module"], `const TRIGGERS_API_KEY = ${JSON.stringify(key)};\n${code}`),
};
const needs: Readonly<Record<Language, string>> = {
  curl: "curl",
  Python: "python3",
  "Node.js": "node",
  JavaScript: "node",
};

for (const language of languages)
  test(`the code for ${language} sends the event as it was written`, async () => {
    const there = needs[language] === "node" || (await run(needs[language], ["--version"], "")).code === 0;
    if (!there)
      return assert.equal(process.env.CI, undefined, `${needs[language]} is needed to run the code for ${language}`);
    const got: Got[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        got.push({
          authorization: request.headers.authorization,
          key: request.headers["idempotency-key"] as string | undefined,
          body: Buffer.concat(chunks).toString("utf8"),
        });
        response.writeHead(202, { "content-type": "application/json" }).end('{"status":"accepted"}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      for (const [index, body] of bodies.entries()) {
        const idempotencyKey = index === 0 ? "it's one" : undefined;
        const { code, output } = await runs[language](snippet(language, { url, body, idempotencyKey }));
        assert.equal(code, 0, output);
        assert.match(output, /202|accepted/);
        assert.deepEqual(got.at(-1), { authorization: `Bearer ${key}`, key: idempotencyKey, body });
      }
    } finally {
      server.close();
    }
  });

test.run();
