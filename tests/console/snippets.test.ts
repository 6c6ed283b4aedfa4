import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { callSnippet, type Language, languages, snippet, variableOf } from "../../console/src/snippets.ts";
import { callOf, operationsOf } from "../../docs/site/generate/reference.ts";
import { openApi } from "../../docs/site/generate/site.ts";
import { runProgram } from "../sdk/install.ts";

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
  runProgram(command, args, input, { TRIGGERS_API_KEY: key }).then(
    ({ code, stdout, stderr }) => ({ code: code ?? 1, output: stdout + stderr }),
    (error: Error) => ({ code: 127, output: error.message }),
  );

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

/** What a program asked for, as far as languages may not differ. */
interface Asked {
  readonly request: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Runs many pieces of code in one process, one after the other. */
const together: Readonly<Record<Language, (codes: readonly string[]) => Promise<{ code: number; output: string }>>> = {
  curl: (codes) => run("sh", ["-s"], codes.join("\n")),
  Python: (codes) =>
    run(
      "python3",
      ["-c", "import json, sys\nfor code in json.load(sys.stdin):\n    exec(compile(code, 'code', 'exec'), {})"],
      JSON.stringify(codes),
    ),
  "Node.js": (codes) =>
    run(
      process.execPath,
      ["--input-type=module"],
      inOrder(codes, () => ""),
    ),
  JavaScript: (codes) =>
    run(
      process.execPath,
      ["--input-type=module"],
      inOrder(codes, (names) => `const { ${names.join(", ")} } = process.env;\n`),
    ),
};

/** Each piece as a module of its own, begun when the fetch of the one before has ended. */
function inOrder(codes: readonly string[], before: (names: readonly string[]) => string): string {
  const modules = codes.map((code) => {
    const names = [...new Set([...code.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name!))];
    return before(names) + code;
  });
  return `const plain = globalThis.fetch;
let last;
globalThis.fetch = (...args) => (last = plain(...args));
for (const code of ${JSON.stringify(modules)}) {
  await import("data:text/javascript," + encodeURIComponent(code));
  await last;
}`;
}

test("for every call of the contract all languages ask for the same", async () => {
  const calls = operationsOf(await openApi()).map(callOf);
  const variables = calls.flatMap(({ path }) =>
    [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => variableOf(path, name!)),
  );
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      asked.push({
        request: `${request.method} ${request.url}`,
        authorization: request.headers.authorization,
        body: text === "" ? undefined : JSON.parse(text),
      });
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.TRIGGERS_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of variables) process.env[name] = `of-${name}`;
  const expected = calls.map(({ method, path, query, body, withoutKey }) => ({
    request: `${method} ${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `of-${variableOf(path, name)}`)}${query === undefined ? "" : `?${query}`}`,
    authorization: withoutKey ? undefined : `Bearer ${key}`,
    body: body?.json,
  }));
  try {
    for (const language of languages) {
      const { code, output } = await together[language](calls.map((call) => callSnippet(language, call)));
      if (code === 127 && process.env.CI === undefined) continue;
      assert.equal(code, 0, `${language}: ${output.slice(-2_000)}`);
      assert.deepEqual(asked.splice(0), expected, language);
    }
  } finally {
    server.close();
    for (const name of ["TRIGGERS_URL", ...variables]) delete process.env[name];
  }
});

test.run();
