import { TriggersConnectionError, TriggersError } from "../../sdk/typescript/src/errors.ts";

/** What the program's exit code says. README.md lists them for people. */
export const exits = {
  done: 0,
  /** Something that no other code names. */
  failed: 1,
  /** The command line is wrong, or a confirmation is missing that nobody is there to give. */
  usage: 2,
  /** No key, or one that is refused. */
  key: 3,
  not_found: 4,
  /** The platform refused the request. */
  refused: 5,
  /** The platform can't be reached, or failed. */
  unreachable: 6,
  /** The question was answered, and the answer is bad. */
  bad_news: 7,
  interrupted: 130,
} as const;

/** A command that can't be carried out, with what to do about it. */
export class CommandError extends Error {
  readonly exit: number;

  constructor(message: string, exit: number = exits.usage) {
    super(message);
    this.exit = exit;
  }
}

export function exitOf(thrown: unknown): number {
  if (thrown instanceof CommandError) return thrown.exit;
  if (thrown instanceof TriggersConnectionError) return exits.unreachable;
  if (!(thrown instanceof TriggersError)) return exits.failed;
  if (thrown.status === 401 || thrown.status === 403) return exits.key;
  if (thrown.status === 404) return exits.not_found;
  return thrown.status >= 500 || thrown.status === 429 ? exits.unreachable : exits.refused;
}

/** The same for several requests that failed: a key or a platform that is at fault for any of them comes before what is wrong with one. */
export function exitOfAll(thrown: readonly unknown[]): number {
  const codes = thrown.map(exitOf);
  return [exits.key, exits.unreachable].find((code) => codes.includes(code)) ?? exits.refused;
}
