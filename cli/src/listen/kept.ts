import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parsed, readPrivate, writePrivate } from "../files.ts";
import { homeOf } from "../settings.ts";

/** What a `listen` keeps, so that the next one for the same port and selector goes on where it was. */
export interface Kept {
  readonly subscription_id: string;
  readonly signing_secret: string;
}

/** @param what everything that makes it this one: platform, environment, target, selector */
export function keptListen(env: Readonly<Record<string, string | undefined>>, what: unknown) {
  const id = createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 24);
  const file = join(homeOf(env), "listen", `${id}.json`);
  return {
    read: (): Kept | undefined => (existsSync(file) ? parsed<Kept>(readPrivate(file), file) : undefined),
    write: (kept: Kept) => writePrivate(file, `${JSON.stringify(kept)}\n`),
    forget: () => rmSync(file, { force: true }),
  };
}
