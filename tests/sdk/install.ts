import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../local/cache.ts";

/** Packages as they are published, installed into empty folders. */

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** @param workspace its folder from the root @param folder empty @returns where it is installed @throws Error with what npm said */
export async function installPacked(workspace: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const npm = (args: readonly string[], cwd: string) => run("npm", [...args, "--no-audit", "--no-fund"], { cwd });
  // As their READMEs say.
  const packed = await npm(["pack", "--workspace", workspace, "--json", "--pack-destination", folder], root);
  // Before it, what the build said.
  const told = JSON.parse(packed.stdout.slice(packed.stdout.search(/^[[{]/m)));
  const [{ filename, name }] = Array.isArray(told) ? told : Object.values(told);
  await npm(["install", "--offline", "--ignore-scripts", "--prefix", folder, join(folder, filename)], folder);
  return join(folder, "node_modules", name);
}

/** Python with what the SDK and its build need, made once a machine; undefined where there is no Python from 3.10. */
async function pythonHere(): Promise<string | undefined> {
  let version: string;
  try {
    const print = "import sys; assert sys.version_info >= (3, 10); print(sys.version)";
    version = (await run("python3", ["-c", print])).stdout;
  } catch {
    return undefined;
  }
  const needs = ["hatchling>=1.26", "httpx>=0.27,<1", "typing-extensions>=4.6"];
  const id = createHash("sha256")
    .update(version + needs)
    .digest("hex")
    .slice(0, 16);
  const folder = join(cacheFolder("python"), id);
  const python = join(folder, "bin/python");
  if (existsSync(join(folder, "complete"))) return python;
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...needs]);
  mkdirSync(join(folder, "complete"));
  return python;
}

export interface InstalledPython {
  readonly python: string;
  /** For `PYTHONPATH`. */
  readonly folder: string;
}

/** The wheel of the SDK for Python, installed into an empty folder; undefined where there is no Python from 3.10. */
export async function installWheel(folder: string): Promise<InstalledPython | undefined> {
  const python = await pythonHere();
  if (python === undefined) return undefined;
  const pip = (...args: string[]) => run(python, ["-m", "pip", "--quiet", "--disable-pip-version-check", ...args]);
  const wheels = join(folder, "wheels");
  await pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, join(root, "sdk/python"));
  const installed = join(folder, "installed");
  await pip("install", "--no-deps", "--no-index", "--find-links", wheels, "--target", installed, "triggers-sdk");
  return { python, folder: installed };
}

/** The oldest Node.js here that the packages support: what runs this one, or one that people have. */
export async function oldestNode(): Promise<string> {
  const found = await Promise.all(
    (process.env.PATH ?? "").split(":").map(async (folder) => {
      const node = join(folder, "node");
      if (!existsSync(node)) return [];
      const { stdout } = await run(node, ["-p", "process.versions.node.split('.')[0]"]);
      return [{ node, major: Number(stdout) }];
    }),
  );
  const [oldest] = found
    .flat()
    .filter(({ major }) => major >= 20)
    .sort((a, b) => a.major - b.major);
  return oldest?.node ?? process.execPath;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. @param onOutput gets what it wrote so far, and can stop it */
export function runProgram(
  command: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
  onOutput?: (written: string, kill: (signal: NodeJS.Signals) => void) => void,
  cwd?: string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(command, args, { env: { ...inherited, ...env }, stdio: "pipe", cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      onOutput?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    // A program may end before it has read anything.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
