import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CommandError } from "../exits.ts";
import { command } from "../run.ts";

/** The checkout of the platform that a folder is in. */
function checkoutAround(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && existsSync(join(folder, "local/start.mjs"))) {
      if ((JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "triggers") return folder;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

export default command<{ port?: number; fresh: boolean }, []>(async ({ flags, out, process }) => {
  const folder = checkoutAround(process.cwd());
  if (folder === undefined)
    throw new CommandError(
      'The platform is started in a checkout of it: clone it, run "npm install" there, then this command again.',
    );
  const child = spawn("npm", ["start", "--silent", "--", ...(flags.fresh ? ["--fresh"] : [])], {
    cwd: folder,
    stdio: ["ignore", flags.json ? "pipe" : "inherit", "inherit"],
    shell: process.platform === "win32",
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
