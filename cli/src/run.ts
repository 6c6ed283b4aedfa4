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

/** Writes answers: for people as text, for programs as JSON, one object a line. Numbers keep their digits. */
class Output {
  readonly json: boolean;
  readonly #process: NodeJS.Process;

  constructor(json: boolean, process: NodeJS.Process) {
    this.json = json;
    this.#process = process;
  }

  /** @param text for people */
  answer(value: unknown, text: () => string): void {
    this.#process.stdout.write(`${this.json ? writeLossless(value) : text()}\n`);
  }

  /** For people only, beside the answers. */
  note(text: string): void {
    if (!this.json) this.#process.stderr.write(`${text}\n`);
  }

  /** Colour where somebody sees it. @param code of ANSI */
  paint(text: string, code: number): string {
    const { env, stdout } = this.#process;
    return stdout.isTTY && !this.json && env.NO_COLOR === undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
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

function tell(error: unknown, out: Output, process: NodeJS.Process): void {
  const refusal = error instanceof TriggersError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (out.json) {
    const { code, status, details, requestId, docs } = refusal ?? {};
    process.stderr.write(
      `${JSON.stringify({ error: { code: code ?? "command", message, status, details, request_id: requestId, docs } })}\n`,
    );
    return;
  }
  const details = refusal?.details.map(({ path, index, message }) => {
    const where = [index === undefined ? "" : `event ${index}`, path ?? ""].filter(Boolean).join(" ");
    return `  ${where === "" ? "" : `${where}: `}${message}`;
  });
  const more = refusal?.docs === undefined ? [] : [`  ${refusal.docs}`];
  process.stderr.write(`${[`triggers: ${message}`, ...(details ?? []), ...more].join("\n")}\n`);
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
      tell(error, out, process);
      process.exitCode = exitOf(error);
    }
  };
}
