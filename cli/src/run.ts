import { randomUUID } from "node:crypto";
import type { CommandContext } from "@stricli/core";
import { Triggers } from "../../sdk/typescript/src/client.ts";
import { TriggersError } from "../../sdk/typescript/src/errors.ts";
import { writeLossless } from "../../sdk/typescript/src/lossless.ts";
import { exitOf } from "./exits.ts";
import { type ConnectionFlags, connectionOf } from "./settings.ts";

/** What every command gets of the machine. */
export interface Context extends CommandContext {
  readonly process: NodeJS.Process;
}

/** Flags that every command has. */
export interface CommonFlags extends ConnectionFlags {
  readonly json: boolean;
}

/** What ends a line, moves a cursor, turns the writing round, rings, or gives orders to a terminal: C0, DEL, C1, U+2028 to U+202E, U+2066 to U+2069. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const visible = (text: string): string =>
  text.replaceAll(CONTROLS, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * Writes answers: for people as text, for programs as JSON, one object a line. Numbers keep their digits.
 *
 * Invariant: what a sender of events, or an endpoint, has written gives no orders to a terminal, and never looks like a line of this
 * program's own. Its control characters and line ends are shown as JSON escapes them; colours and lines are this program's own.
 */
class Output {
  readonly json: boolean;
  readonly #process: NodeJS.Process;
  /** Stands for the beginning of a colour until all else is made visible: nobody else knows it. */
  readonly #mark = randomUUID();

  constructor(json: boolean, process: NodeJS.Process) {
    this.json = json;
    this.#process = process;
  }

  /** @param text for people: a line, or several */
  answer(value: unknown, text: () => string | readonly string[]): void {
    this.#process.stdout.write(this.#shown(this.json ? writeLossless(value) : text()));
  }

  /** For people only, beside the answers. */
  note(text: string): void {
    if (!this.json) this.fault(text);
  }

  /** What went wrong: a line, or several. */
  fault(text: string | readonly string[]): void {
    this.#process.stderr.write(this.#shown(text));
  }

  /** Colour where somebody sees it. @param code of ANSI */
  paint(text: string, code: number): string {
    const { env, stdout } = this.#process;
    const seen = stdout.isTTY && !this.json && !env.NO_COLOR;
    return seen ? `${this.#mark}[${code}m${text}${this.#mark}[0m` : text;
  }

  #shown(text: string | readonly string[]): string {
    const lines = [text].flat().map((line) => `${visible(line)}\n`);
    return lines.join("").replaceAll(this.#mark, "\u001b");
  }
}

/** What a command works with. */
export interface Work<Flags> {
  readonly flags: Flags & CommonFlags;
  readonly out: Output;
  readonly process: NodeJS.Process;
  /** A client of the platform that the flags mean. @throws CommandError without a key */
  client(): Triggers;
}

/** @param retries attempts after the first */
export function clientFor(flags: ConnectionFlags, process: NodeJS.Process, retries = 4): Triggers {
  const connection = connectionOf(flags, process.env, process.cwd());
  return new Triggers({ ...connection, lossless: true, retries });
}

function tell(error: unknown, out: Output): void {
  const refusal = error instanceof TriggersError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (out.json) {
    const { code, status, details, requestId, docs } = refusal ?? {};
    out.fault(
      JSON.stringify({ error: { code: code ?? "command", message, status, details, request_id: requestId, docs } }),
    );
    return;
  }
  const details = refusal?.details.flatMap(({ path, index, message: says }) => {
    const where = [index === undefined ? "" : `event ${index}`, path ?? ""].filter(Boolean).join(" ");
    // What was said is not said again.
    const line = [where, says === message ? "" : says].filter(Boolean).join(": ");
    return line === "" ? [] : [`  ${line}`];
  });
  const more = refusal?.docs === undefined ? [] : [`  ${refusal.docs}`];
  out.fault([`triggers: ${message}`, ...(details ?? []), ...more]);
}

/**
 * A command as Stricli calls it: what it throws is told, and becomes the exit code.
 * @param work may return an exit code
 */
export function command<Flags extends object, Args extends readonly unknown[]>(
  work: (work: Work<Flags>, ...args: Args) => Promise<unknown>,
): (this: Context, flags: Flags & CommonFlags, ...args: Args) => Promise<void> {
  return async function (this: Context, flags, ...args) {
    const { process } = this;
    const out = new Output(flags.json, process);
    try {
      const exit = await work({ flags, out, process, client: () => clientFor(flags, process) }, ...args);
      if (typeof exit === "number") process.exitCode = exit;
    } catch (error) {
      tell(error, out);
      process.exitCode = exitOf(error);
    }
  };
}
