import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CommandError, exits } from "./exits.ts";
import { readPrivate, writePrivate } from "./files.ts";

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

/** Of a platform on this machine, unless it was given another port. */
export const DEFAULT_URL = "http://127.0.0.1:8080";
/** An address without a slash at its end. @throws CommandError where it is none */
export function addressOf(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new CommandError(`${text} is no address: write http://127.0.0.1:8080, or https://triggers.example.com.`);
  return text.replace(/\/+$/, "");
}

/** The folder of the files that stay between runs. */
export const homeOf = (env: Environment): string =>
  env.TRIGGERS_CONFIG ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "triggers");

interface Kept {
  /** Address used when none is named: that of the last login. */
  readonly default?: string;
  readonly keys: Readonly<Record<string, string>>;
}

const keptFile = (env: Environment): string => join(homeOf(env), "keys.json");

function readKept(env: Environment): Kept {
  const file = keptFile(env);
  if (!existsSync(file)) return { keys: {} };
  const text = readPrivate(file);
  try {
    return JSON.parse(text) as Kept;
  } catch {
    throw new CommandError(`${file} is not as "triggers login" writes it: delete it, and log in again.`, exits.key);
  }
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

/** @throws CommandError without a key, with a file that others may read, and for an address that is none */
export function connectionOf(flags: ConnectionFlags, env: Environment, folder: string): Connection {
  const named = flags.url ?? (env.TRIGGERS_URL || undefined);
  const asked = named === undefined ? undefined : addressOf(named);
  const here = flags.local || flags.sandbox;
  if (flags.keyFile !== undefined) {
    if (here) throw new CommandError("Give --key-file, or --local or --sandbox; not both.");
    return { url: asked ?? DEFAULT_URL, apiKey: readPrivate(flags.keyFile).trim() };
  }
  if (!here) {
    if (env.TRIGGERS_API_KEY) return { url: asked ?? DEFAULT_URL, apiKey: env.TRIGGERS_API_KEY };
    const kept = readKept(env);
    const url = asked ?? kept.default ?? "";
    const apiKey = kept.keys[url];
    if (apiKey !== undefined) return { url, apiKey };
  }
  const local = localPlatform(env, folder);
  if (local !== undefined && (asked === undefined || asked === addressOf(local.url)))
    return { url: addressOf(local.url), apiKey: flags.sandbox ? local.sandbox_key : local.api_key };
  if (here)
    throw new CommandError(
      `No platform was started in this folder or one above it${asked === undefined ? "" : ` for ${asked}`}: run "triggers start", or leave out --${flags.sandbox ? "sandbox" : "local"}.`,
      exits.key,
    );
  throw new CommandError(
    asked === undefined
      ? 'There is no key. Run "triggers login", set TRIGGERS_API_KEY, or start the platform on this machine with "triggers start".'
      : `There is no key for ${asked}. Run "triggers login --url ${asked}", or set TRIGGERS_API_KEY.`,
    exits.key,
  );
}
