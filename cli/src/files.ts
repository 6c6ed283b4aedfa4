import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError, exits } from "./exits.ts";

/**
 * Files that a person names, and files for their owner alone.
 *
 * Invariant: a file that can't be read or written is told in words that say which file and what to do; what the system calls that is
 * shown only where there are no words for it.
 */

/** For its owner alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

const WORDS: Readonly<Record<string, (file: string) => string>> = {
  ENOENT: (file) => `There is no file ${file}.`,
  EISDIR: (file) => `${file} is a folder; name a file.`,
  ENOTDIR: (file) => `${file} lies in something that is no folder.`,
  EEXIST: (file) => `${file} lies in something that is no folder.`,
  EACCES: (file) => `You may not read or write ${file}.`,
  EPERM: (file) => `You may not read or write ${file}.`,
  EROFS: (file) => `${file} lies where nothing can be written.`,
};

/** Does something with a file. @throws CommandError naming the file */
function withFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (error instanceof CommandError) throw error;
    throw new CommandError(WORDS[code]?.(file) ?? `${file}: ${message}`);
  }
}

/** The text of a file that somebody named; "-" is standard input. @throws CommandError naming the file */
export const readNamed = async (file: string, stdin: NodeJS.ReadableStream): Promise<string> =>
  file === "-" ? readAll(stdin) : withFile(file, () => readFileSync(file, "utf8"));

/** All of a stream. */
export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws CommandError naming where the text comes from */
export function parsed<T>(text: string, from: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CommandError(`${from === "-" ? "Standard input" : from} is not JSON: ${(cause as Error).message}`);
  }
}

/** @throws CommandError where there is none, and where others may read it */
export function readPrivate(file: string): string {
  return withFile(file, () => {
    // Windows has no such modes.
    if (process.platform !== "win32" && (statSync(file).mode & OTHERS) !== 0)
      throw new CommandError(`${file} can be read by others: run "chmod 600 ${file}".`, exits.key);
    return readFileSync(file, "utf8");
  });
}

/** A file that is about to be written. */
export interface PrivateFile {
  /** Puts it there whole: never half a file, and never readable by others. */
  write(text: string): void;
  /** Leaves what was there; after `write` it does nothing. */
  drop(): void;
}

/**
 * Begins a file for its owner alone, beside its place. What can be made only once, such as a key, is made after this and before
 * `write`: where the place can't be written, nothing is made.
 * @throws CommandError where it can't be written
 */
export function beginPrivate(file: string): PrivateFile {
  const fresh = `${file}.${randomUUID()}`;
  withFile(file, () => {
    if (existsSync(file) && statSync(file).isDirectory()) throw new CommandError(WORDS.EISDIR!(file));
    mkdirSync(dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
    // A file that is there already could be somebody else's, or lead elsewhere.
    writeFileSync(fresh, "", { mode: PRIVATE_FILE, flag: "wx" });
  });
  return {
    write: (text) =>
      withFile(file, () => {
        writeFileSync(fresh, text);
        renameSync(fresh, file);
      }),
    drop: () => rmSync(fresh, { force: true }),
  };
}

/** @throws CommandError where it can't be written */
export const writePrivate = (file: string, text: string): void => beginPrivate(file).write(text);
