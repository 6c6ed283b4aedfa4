import { existsSync } from "node:fs";
import { defined } from "../../../runtime/domain/defined.ts";
import { exitOfAll, exits } from "../exits.ts";
import { beginPrivate, parsed, readNamed, readPrivate, writePrivate } from "../files.ts";
import type { Converted } from "../migrate/converted.ts";
import { goesOn } from "../migrate/list.ts";
import { command } from "../run.ts";

interface Flags {
  readonly from: "svix" | "hookdeck" | "eventbridge";
  readonly apply: boolean;
  readonly secrets?: string;
}

const converters: Readonly<Record<Flags["from"], () => Promise<(input: unknown) => Converted[]>>> = {
  svix: async () => (await import("../migrate/svix.ts")).fromSvix,
  hookdeck: async () => (await import("../migrate/hookdeck.ts")).fromHookdeck,
  eventbridge: async () => (await import("../migrate/eventBridge.ts")).fromEventBridge,
};

function lines({ name, subscription, not, differs, disabled }: Converted, made?: string): string[] {
  const head =
    subscription === undefined
      ? `no   ${name}`
      : `yes  ${name} -> ${subscription.webhook_url}${disabled ? " (disabled)" : ""}${made === undefined ? "" : `  ${made}`}`;
  return [
    head,
    ...(subscription === undefined ? [] : [`       selector  ${JSON.stringify(subscription.event_selector)}`]),
    ...not.map((why) => `       not: ${why}`),
    ...(subscription === undefined ? [] : differs.map((why) => `       differs: ${why}`)),
  ];
}

/** Signing secrets by subscription, as an earlier import left them. @throws CommandError where the file can't be read or written */
function secretsIn(file: string): Record<string, string> {
  beginPrivate(file).drop();
  return existsSync(file) ? parsed<Record<string, string>>(readPrivate(file), file) : {};
}

export default command<Flags, [file: string]>(async ({ flags, out, process, client }, file) => {
  const input = parsed<unknown>(await readNamed(file, process.stdin), file);
  const entries = (await converters[flags.from]())(input);
  const made = new Map<Converted, string>();
  const failed: { name: string; message: string }[] = [];
  const errors: unknown[] = [];
  if (flags.apply) {
    const triggers = client();
    // Before any is made: a secret is shown once. Those of an earlier import stay in the file.
    const secrets = flags.secrets === undefined ? {} : secretsIn(flags.secrets);
    for (const entry of entries) {
      if (entry.subscription === undefined) continue;
      try {
        const one = await triggers.subscribe(entry.subscription, {
          idempotencyKey: `import-${flags.from}-${entry.name}`.slice(0, 255),
        });
        made.set(entry, one.subscription_id);
        secrets[one.subscription_id] = one.signing_secret;
        // After each: what was made is never without its secret.
        if (flags.secrets !== undefined) writePrivate(flags.secrets, `${JSON.stringify(secrets, null, 2)}\n`);
        // A subscription begins active; what matches in between waits in its backlog once it is disabled.
        if (entry.disabled)
          await triggers.call("PATCH", "/subscriptions/{id}", {
            params: { id: one.subscription_id },
            body: { status: "disabled" },
          });
      } catch (error) {
        errors.push(error);
        failed.push({ name: entry.name, message: (error as Error).message });
      }
    }
  }
  const more = goesOn(input);
  const left = entries.filter(({ subscription }) => subscription === undefined).length;
  out.answer(
    {
      entries: entries.map((entry) => {
        const subscription_id = made.get(entry);
        return { ...entry, ...defined({ subscription_id }) };
      }),
      failed,
      more,
    },
    () => [
      ...entries.flatMap((entry) => lines(entry, made.get(entry))),
      ...failed.map(({ name, message }) => `failed  ${name}: ${message}`),
      `${entries.length - left} of ${entries.length} have a counterpart here.${flags.apply ? ` ${made.size} were made.` : ' Nothing was changed: "--apply" makes them.'}`,
      ...(more ? ["The export ends before the list does: fetch its other pages too."] : []),
      ...(flags.apply && flags.secrets === undefined && made.size > 0
        ? ['Their signing secrets are shown to nobody: "--secrets file" keeps them, or rotate one.']
        : []),
    ],
  );
  return errors.length > 0 ? exitOfAll(errors) : left > 0 || more ? exits.bad_news : exits.done;
});
