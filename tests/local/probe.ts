/** Boots the probe program on the local core, with its state in a temporary folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Core, type PlatformOptions, startCore } from "../../local/platform.ts";

export interface Probe {
  readonly core: Core;
  /** What the console showed, without times. */
  readonly lines: string[];
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startProbe(options: Partial<PlatformOptions> = {}): Promise<Probe> {
  const folder = mkdtempSync(join(tmpdir(), "probe-"));
  const lines: string[] = [];
  const project = join(import.meta.dirname, "probe");
  const core = await startCore({ state: folder, port: 0, log: (line) => lines.push(line), project, ...options });
  return {
    core,
    lines,
    folder,
    async stop() {
      await core.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Settings for an SDK client that calls as this role, or as the administrator of the machine. */
export const clientOf = (core: Core, role?: string) => ({
  ...core.aws(role),
  // A refusal is what many tests look for: the SDK would try again.
  maxAttempts: 1,
});
