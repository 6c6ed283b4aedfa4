import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CommandError } from "../exits.ts";
import { command } from "../run.ts";

interface Checkout {
  readonly folder: string;
  /** Its start script, such as `node --expose-gc local/start.mjs`. */
  readonly script: string;
}

/** The checkout of the platform that a folder is in. */
function checkoutAround(from: string): Checkout | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && existsSync(join(folder, "local/start.mjs"))) {
      const { name, scripts } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; scripts: { start: string } };
      if (name === "triggers") return { folder, script: scripts.start };
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * What `npm start` runs there, with the Node.js that `npm install` put into the folder. npm itself would stand between: it passes no signal on to what
 * its shell runs.
 * @throws CommandError where nothing has been installed yet
 */
function startOf({ folder, script }: Checkout): readonly [program: string, ...args: string[]] {
  const program = join(folder, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(program))
    throw new CommandError(
      `The packages of ${folder} are not installed: run "npm install" there, then this command again.`,
    );
  return [program, ...script.split(" ").slice(1)];
}

export default command<{ port?: number; fresh: boolean }, []>(async ({ flags, out, process }) => {
  const checkout = checkoutAround(process.cwd());
  if (checkout === undefined)
    throw new CommandError(
      'The platform is started in a checkout of it: clone it, run "npm install" there, then this command again.',
    );
  const { folder } = checkout;
  const [node, ...args] = startOf(checkout);
  const child = spawn(node, [...args, ...(flags.fresh ? ["--fresh"] : [])], {
    cwd: folder,
    stdio: ["ignore", flags.json ? "pipe" : "inherit", "inherit"],
    env: { ...process.env, ...(flags.port === undefined ? {} : { PORT: String(flags.port) }) },
  });
  let written = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    const before = /^ready \S+$/m.test(written);
    written += chunk.toString();
    const [, url] = /^ready (\S+)$/m.exec(written) ?? [];
    if (url !== undefined && !before) out.answer({ ready: true, url, folder }, () => "");
  });
  // Ctrl-C reaches the platform too, which finishes its work; this waits for it.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise<number>((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done(code ?? 0));
  });
});
