import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CommandError, exits } from "./exits.ts";

/**
 * Where the key and the platform's address come from: the environment, a file that is named, the platform on this machine, or what
 * `login` kept. Invariant: a key goes only to the address that it was kept for, and is never printed.
 */

export interface Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly apiKey: string;
}

/** Flags that say where to go. */
export interface ConnectionFlags {
  readonly url?: string;
  readonly keyFile?: string;
  readonly local: boolean;
  readonly sandbox: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = "http://127.0.0.1:8080";
/** For its owner alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

const plain = (url: string): string => url.replace(/\/+$/, "");

/** The folder of the files that stay between runs. */
export const homeOf = (env: Environment): string =>
  env.TRIGGERS_CONFIG ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "triggers");

/** @throws CommandError where others may read the file */
export function readPrivate(file: string): string {
  // Windows has no such modes.
  if (process.platform !== "win32" && (statSync(file).mode & OTHERS) !== 0)
    throw new CommandError(`${file} can be read by others: run "chmod 600 ${file}".`, exits.key);
  return readFileSync(file, "utf8");
}

/** Replaced whole: never half a file, and never readable by others. */
export function writePrivate(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
  const fresh = `${file}.${randomUUID()}`;
  // A file that is there already could be somebody else's, or lead elsewhere.
  writeFileSync(fresh, text, { mode: PRIVATE_FILE, flag: "wx" });
  renameSync(fresh, file);
}

interface Kept {
  /** Address used when none is named: that of the last login. */
  readonly default?: string;
  readonly keys: Readonly<Record<string, string>>;
}

const keptFile = (env: Environment): string => join(homeOf(env), "keys.json");

function readKept(env: Environment): Kept {
  const file = keptFile(env);
  return existsSync(file) ? (JSON.parse(readPrivate(file)) as Kept) : { keys: {} };
}

/** Keeps a key for its address, and makes that the default. @returns the file */
export function keepKey(env: Environment, { url, apiKey }: Connection): string {
  const { keys } = readKept(env);
  writePrivate(keptFile(env), `${JSON.stringify({ default: url, keys: { ...keys, [url]: apiKey } }, null, 2)}\n`);
  return keptFile(env);
}

/** Forgets the key of an address. @returns whether there was one */
export function forgetKey(env: Environment, url: string): boolean {
  const kept = readKept(env);
  if (kept.keys[url] === undefined) return false;
  const { [url]: _, ...keys } = kept.keys;
  const others = kept.default === url ? {} : { default: kept.default };
  writePrivate(keptFile(env), `${JSON.stringify({ ...others, keys }, null, 2)}\n`);
  return true;
}

interface LocalFile {
  readonly url: string;
  readonly api_key: string;
  readonly sandbox_key: string;
}

/** What the platform on this machine wrote about itself, in the folder of its state here or above. */
export function localPlatform(env: Environment, from: string): LocalFile | undefined {
  if (env.TRIGGERS_STATE !== undefined) return readLocal(join(env.TRIGGERS_STATE, "local.json"));
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = readLocal(join(folder, ".triggers/local.json"));
    if (found !== undefined || folder === dirname(folder)) return found;
  }
}

const readLocal = (file: string): LocalFile | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as LocalFile) : undefined;

/** @throws CommandError without a key, or with a file that others may read */
export function connectionOf(flags: ConnectionFlags, env: Environment, folder: string): Connection {
  const asked = flags.url ?? (env.TRIGGERS_URL || undefined);
  if (flags.keyFile !== undefined)
    return { url: plain(asked ?? DEFAULT_URL), apiKey: readPrivate(flags.keyFile).trim() };
  if (env.TRIGGERS_API_KEY && !flags.local) return { url: plain(asked ?? DEFAULT_URL), apiKey: env.TRIGGERS_API_KEY };
  const kept = readKept(env);
  const url = plain(asked ?? kept.default ?? "");
  if (!flags.local && !flags.sandbox && kept.keys[url] !== undefined) return { url, apiKey: kept.keys[url] };
  const local = localPlatform(env, folder);
  if (local !== undefined && (asked === undefined || plain(asked) === plain(local.url)))
    return { url: plain(local.url), apiKey: flags.sandbox ? local.sandbox_key : local.api_key };
  throw new CommandError(
    asked === undefined
      ? 'There is no key. Run "triggers login", set TRIGGERS_API_KEY, or start the platform on this machine with "triggers start".'
      : `There is no key for ${plain(asked)}. Run "triggers login --url ${plain(asked)}", or set TRIGGERS_API_KEY.`,
    exits.key,
  );
}
