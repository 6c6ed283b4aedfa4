/** The console's pages beside the platform: built and put into their bucket by a process of their own, once. */
import { spawn } from "node:child_process";
import { join } from "node:path";

/** @param state folder of the running platform @returns what resolves once the pages are there; the first call begins */
export function pagesBeside(state: string, log: (line: string) => void): { ready(): Promise<void>; stop(): void } {
  let child: ReturnType<typeof spawn> | undefined;
  let putting: Promise<void> | undefined;
  const put = (): Promise<void> =>
    new Promise((resolve) => {
      let said = "";
      const started = spawn(process.execPath, [join(import.meta.dirname, "../../operations/pages.ts")], {
        env: { ...process.env, TRIGGERS_STATE: state, NODE_OPTIONS: "" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      started.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      started.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      started.on("close", (code) => {
        child = undefined;
        if (code !== 0 && code !== null) log(`the console's pages could not be built: ${said.trim()}`);
        resolve();
      });
    });
  return {
    ready() {
      putting ??= put();
      return putting;
    },
    stop: () => void child?.kill(),
  };
}
