/** The platform as a person starts it: a process of its own, told by environment variables and signals. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalFile } from "../../local/platform/state.ts";
import { startCommand } from "../../local/startScript.ts";

const root = join(import.meta.dirname, "../..");

export interface Started {
  readonly child: ChildProcess;
  /** Everything printed so far, on both streams. */
  output(): string;
  /** Resolves with `local.json` at the line `ready <url>`; rejects with the output when the process ends before. */
  readonly ready: Promise<LocalFile>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface StartOptions {
  readonly state: string;
  readonly port?: number;
  readonly args?: readonly string[];
  /** What runs, instead of the start script. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it and this process send each other messages. */
  readonly channel?: boolean;
}

export function startProcess({
  state,
  port = 0,
  args = [],
  command,
  env = {},
  channel = false,
}: StartOptions): Started {
  const [program, ...rest] = command ?? startCommand;
  const child = spawn(program as string, [...rest, ...args], {
    cwd: root,
    env: { ...process.env, PORT: String(port), TRIGGERS_STATE: state, ...env },
    stdio: channel ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  const ready = new Promise<LocalFile>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      if (/^ready http.*\n.+\n/m.test(output)) resolve(JSON.parse(readFileSync(join(state, "local.json"), "utf8")));
    };
    child.stdout!.on("data", take);
    child.stderr!.on("data", take);
    void ended.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${output}`)));
  });
  ready.catch(() => {});
  return { child, output: () => output, ready, ended };
}

/** Runs a script of the project to its end. @returns its code, and what it printed on both streams */
export function runScript(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, ...args], { cwd: root, env: { ...process.env, ...env } });
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}
