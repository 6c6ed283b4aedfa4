import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalFile } from "../../local/platform/state.ts";

/** `local.json` of the platform that runs here by `npm start`. `TRIGGERS_STATE` names the folder of another one. */
export const runningPlatform = (): LocalFile =>
  JSON.parse(readFileSync(join(process.env.TRIGGERS_STATE ?? ".triggers", "local.json"), "utf8")) as LocalFile;
