/**
 * `npm run newcomer [-- --from URL] [--warm]`: how long a newcomer needs from `git clone` to a signed webhook, by README.md and then by the
 * first page of the documentation, each command as it stands there. A folder of its own, a home of its own, an empty cache of npm (with
 * `--warm` this machine's). Ends with the seconds of each step; fails where a step does not come to what the page says.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import { freePort } from "./support/freePort.ts";
import { commandsOf, FIRST_COMMAND } from "./support/startPage.ts";

const root = join(import.meta.dirname, "..");
const { values } = readArguments({ options: { from: { type: "string", default: root }, warm: { type: "boolean" } } });
const folder = mkdtempSync(join(tmpdir(), "triggers-newcomer-"));
const project = join(folder, "triggers");
const running = new Set<ChildProcess>();

/** What a newcomer has: the programs and the network of this machine. */
function environment(port: number): NodeJS.ProcessEnv {
  const home = join(folder, "home");
  mkdirSync(home);
  const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  const { PATH, LANG } = process.env;
  // Not the Node.js of this project, which `npm run` puts first.
  const path = PATH?.split(":").filter((part) => !part.includes("node_modules"));
  return {
    PATH: path?.join(":"),
    LANG,
    HOME: home,
    npm_config_registry: registry,
    ...(values.warm === true ? { npm_config_cache: join(process.env.HOME ?? "", ".npm") } : {}),
    PORT: String(port),
  };
}

/** Runs commands until they say something. @returns all that was said @throws Error where they end before that */
function until(what: RegExp, commands: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-euc", commands], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let said = "";
    const take = (chunk: Buffer) => {
      said += chunk.toString();
      if (what.test(said)) resolve(said);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("close", (code) => {
      running.delete(child);
      if (!what.test(said)) reject(new Error(`ended with ${code} before ${what} was said:\n${said}`));
    });
  });
}

const steps: [name: string, ms: number][] = [];
async function timed<T>(name: string, work: () => Promise<T> | T): Promise<T> {
  const begun = performance.now();
  const result = await work();
  const ms = performance.now() - begun;
  steps.push([name, ms]);
  process.stdout.write(`${(ms / 1_000).toFixed(1).padStart(7)} s  ${name}\n`);
  return result;
}

try {
  const [port, receiver] = [await freePort(), await freePort()];
  const env = environment(port);
  const address = `http://127.0.0.1:${port}`;
  await timed("git clone", () =>
    execFileSync("git", ["clone", "--quiet", "--no-hardlinks", values.from, project], { env }),
  );
  const readme = readFileSync(join(project, "README.md"), "utf8");
  assert.ok(readme.includes(FIRST_COMMAND), `README.md begins with ${FIRST_COMMAND}`);
  await timed(FIRST_COMMAND, () => until(/^ready http/m, FIRST_COMMAND, project, env));
  // Only the ports are others than those that are likely to be free.
  const [, first] = /<!-- first event -->\n```sh\n([\s\S]*?)```/.exec(readme)!;
  await timed("the first event of README.md, signed at the receiver", () =>
    until(/webhook-signature/, first!.replaceAll("http://127.0.0.1:8080", address), project, env),
  );
  const total = steps.reduce((sum, [, ms]) => sum + ms, 0);
  const page = await timed("the first page of the documentation", async () => (await fetch(`${address}/docs/`)).text());
  for (const language of ["curl", "Python", "Node.js"]) {
    const port = language === "curl" ? receiver : await freePort();
    const commands = commandsOf(page, language).join("\n").replaceAll("4000", String(port));
    await timed(`the first page with ${language}, signed in code of their own`, () =>
      until(/^verified order\.created evt_/m, commands, project, { ...env, RECEIVER_PORT: String(port) }),
    );
  }
  process.stdout.write(`${(total / 1_000).toFixed(1).padStart(7)} s  from git clone to the first signed webhook\n`);
} finally {
  for (const child of running)
    try {
      process.kill(-child.pid!, "SIGTERM");
    } catch {
      // It has ended.
    }
  const waits = [...running].map((child) => new Promise((resolve) => child.on("close", resolve)));
  await Promise.all(waits);
  rmSync(folder, { recursive: true, force: true });
}
