import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";

/** A runtime that holds something, as a process of its own: signals end processes. */
const code = `
  import { beforeEnding } from ${JSON.stringify(new URL("../../../runtime/aws/ending.ts", import.meta.url).href)};
  const wait = (what) => async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.stdout.write(what + "\\n");
  };
  beforeEnding(wait("first written"));
  beforeEnding(() => Promise.reject(new Error("away")));
  setInterval(() => {}, 1_000);
  if (process.env.AWS_LAMBDA_RUNTIME_API === undefined) process.kill(process.pid, "SIGTERM");
`;

async function run(api: string | undefined, started: (kill: () => void) => void) {
  const { AWS_LAMBDA_RUNTIME_API: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    env: { ...env, ...defined({ AWS_LAMBDA_RUNTIME_API: api }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  started(() => child.kill("SIGTERM"));
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  const [status] = await once(child, "close");
  return { said, status };
}

test("when Lambda ends an environment, it writes what it holds and then exits", async () =>
  assert.deepEqual(await run(undefined, () => {}), { said: "first written\n", status: 0 }));

test("a runtime registers an extension without events, so that Lambda tells it of its end", async () => {
  const asked: unknown[] = [];
  let kill = () => {};
  const server = createServer(async (request, answer) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { url, headers } = request;
    asked.push([url, headers["lambda-extension-name"] ?? headers["lambda-extension-identifier"], body]);
    if (url?.endsWith("/register")) answer.writeHead(200, { "lambda-extension-identifier": "the-id" }).end("{}");
    // There is never an answer for one that asked for no events.
    else kill();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const outcome = await run(`127.0.0.1:${(server.address() as AddressInfo).port}`, (by) => (kill = by));
  server.closeAllConnections();
  server.close();
  assert.deepEqual(outcome, { said: "first written\n", status: 0 });
  const base = "/2020-01-01/extension";
  assert.deepEqual(asked, [
    [`${base}/register`, "ending", '{"events":[]}'],
    [`${base}/event/next`, "the-id", ""],
  ]);
});

test.run();
