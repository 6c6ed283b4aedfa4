import { templates } from "../../../console/src/templates.ts";
import { parseLossless } from "../../../sdk/typescript/src/lossless.ts";
import { CommandError, exitOfAll, exits } from "../exits.ts";
import { readAll, readNamed } from "../files.ts";
import { command } from "../run.ts";

interface Flags {
  readonly data?: string;
  readonly template?: string;
  readonly lines: boolean;
  readonly idempotencyKey?: string;
  readonly dryRun: boolean;
}

const slug = (name: string): string => name.toLowerCase().replaceAll(/\W+/g, "-");
export const templateNames: readonly string[] = templates.map(({ name }) => slug(name));

async function textOf(flags: Flags, file: string | undefined, stdin: NodeJS.ReadStream): Promise<string> {
  const given = [flags.data, flags.template, file].filter((one) => one !== undefined);
  if (given.length > 1) throw new CommandError("Give one of a file, --data and --template.");
  if (flags.data !== undefined) return flags.data;
  if (flags.template !== undefined) {
    const template = templates.find(({ name }) => slug(name) === flags.template);
    if (template === undefined)
      throw new CommandError(`There is no template ${flags.template}. There are: ${templateNames.join(", ")}.`);
    return JSON.stringify(template.body);
  }
  if (file !== undefined) return readNamed(file, stdin);
  if (stdin.isTTY)
    throw new CommandError(`Give a file, "-" for standard input, --data or --template (${templateNames.join(", ")}).`);
  return readAll(stdin);
}

function readLossless(text: string, file = "the given text"): unknown {
  try {
    return parseLossless(text);
  } catch (cause) {
    throw new CommandError(`${file} is not JSON: ${(cause as Error).message}`);
  }
}

export default command<Flags, [file?: string]>(async ({ flags, out, process, client }, file) => {
  if (flags.lines && (flags.dryRun || flags.idempotencyKey !== undefined))
    throw new CommandError("Leave out --dry-run and --idempotency-key with --lines: its events go in many requests.");
  const triggers = client();
  const text = await textOf(flags, file, process.stdin);
  if (flags.lines) {
    const batch = triggers.batch({ maxEvents: 500, maxWaitMs: 1_000 });
    let accepted = 0;
    const refused: { line: number; message: string }[] = [];
    const errors: Error[] = [];
    for (const [at, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      batch.addText(line).then(
        () => {
          accepted += 1;
        },
        (error: Error) => {
          errors.push(error);
          refused.push({ line: at + 1, message: error.message });
        },
      );
    }
    await batch.close();
    refused.sort((a, b) => a.line - b.line);
    out.answer({ accepted, refused }, () => [
      `${accepted} accepted, ${refused.length} refused`,
      ...refused.map(({ line, message }) => `  line ${line}: ${message}`),
    ]);
    return errors.length === 0 ? exits.done : exitOfAll(errors);
  }
  if (flags.dryRun) {
    const { results } = await triggers.dryRun(readLossless(text, file) as object);
    out.answer({ results }, () =>
      results.flatMap(({ event, valid, errors, subscriptions }) => [
        `${event.event_type ?? "(no type)"}: ${valid ? "valid" : `not valid: ${errors?.map(({ message }) => message).join("; ")}`}`,
        ...subscriptions.map(
          ({ subscription_id, matched, because }) =>
            `  ${subscription_id}  ${matched ? "would receive it" : `no: ${because}`}`,
        ),
      ]),
    );
    return results.every(({ valid }) => valid) ? exits.done : exits.bad_news;
  }
  const accepted = await triggers.sendText(text, { idempotencyKey: flags.idempotencyKey });
  const events = [accepted].flat();
  out.answer(Array.isArray(accepted) ? { events } : accepted, () => [
    ...events.map(({ event_id }) => event_id),
    out.paint(`why: triggers why ${events[0]?.event_id}`, 2),
  ]);
});
