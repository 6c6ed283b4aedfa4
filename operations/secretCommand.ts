import type { SecretsManagerClientConfig } from "@aws-sdk/client-secrets-manager";
import { readArguments } from "../local/arguments.ts";
import { defined } from "../runtime/domain/defined.ts";
import { localGateway } from "./gateway.ts";
import { SETTLE_MS } from "./heldSecret.ts";
import { Refusal, stoppedBy } from "./refusal.ts";

/** A command that changes a secret of the platform step by step, on this machine or in an AWS account. */

/** How AWS clients are made: with a region, and on this machine with an endpoint and credentials. */
export type ClientOptions = Pick<SecretsManagerClientConfig, "region" | "endpoint" | "credentials">;

export interface SecretCommand<Option extends string, T> {
  /** One line that names the steps and a page that explains them. */
  readonly usage: string;
  /** What is worked on: options of the command, each with the output of the program that tells it on this machine. */
  readonly options: Readonly<Record<Option, string>>;
  /** The option with the secret's ARN: it names the region of all the others. */
  readonly secret: NoInfer<Option>;
  open(client: ClientOptions, named: Readonly<Record<Option, string>>): T;
  /** `list` is taken where none is named. Each gives the text to print. @throws Refusal when nothing was changed */
  readonly steps: Readonly<Record<string, (opened: T, settleMs: number, version: string) => Promise<string>>>;
  /** The steps that need a version behind their name. */
  readonly ofVersion: readonly string[];
}

export const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

function openFor<Option extends string, T>(
  { options, secret, usage, open }: SecretCommand<Option, T>,
  values: Readonly<Record<string, string | undefined>>,
): T {
  const names = Object.keys(options) as Option[];
  const pick = (one: (name: Option) => string): Record<Option, string> =>
    Object.fromEntries(names.map((name) => [name, one(name)])) as Record<Option, string>;
  const given = names.filter((name) => values[name] !== undefined);
  if (given.length === 0) {
    const { client, outputs } = localGateway();
    return open(
      client,
      pick((name) => String(outputs[options[name]])),
    );
  }
  if (given.length < names.length)
    throw new Refusal(`these go together: ${names.map((name) => `--${name}`).join(", ")}\n${usage}`);
  const named = pick((name) => values[name]!);
  const region = values.region ?? /^arn:[^:]+:secretsmanager:([^:]+):/.exec(named[secret])?.[1];
  return open(defined({ region }), named);
}

/** Takes the step that the command line names, prints its text, and sets the exit code. */
export async function runSecretCommand<Option extends string, T>(command: SecretCommand<Option, T>): Promise<void> {
  const text = { type: "string" } as const;
  const { values, positionals } = readArguments({
    allowPositionals: true,
    options: {
      ...Object.fromEntries(Object.keys(command.options).map((name) => [name, text])),
      region: text,
      // For rehearsals: in earnest the caches need their ten minutes.
      "settle-seconds": text,
    },
  });
  try {
    const [name = "list", ...versions] = positionals;
    const settleMs = Number(values["settle-seconds"] ?? SETTLE_MS / 1_000) * 1_000;
    if (!(settleMs >= 0) || values["settle-seconds"] === "")
      throw new Refusal("--settle-seconds takes a number of seconds");
    const step = Object.hasOwn(command.steps, name) ? command.steps[name] : undefined;
    if (step === undefined || versions.length !== (command.ofVersion.includes(name) ? 1 : 0))
      throw new Refusal(command.usage);
    console.log(await step(openFor(command, values), settleMs, versions[0] ?? ""));
  } catch (thrown) {
    const what = thrown instanceof Refusal ? "nothing changed" : "the step was not finished, and may be repeated";
    console.error(`${what}: ${stoppedBy(thrown)}`);
    process.exitCode = 1;
  }
}
