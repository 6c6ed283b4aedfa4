import { readFileSync } from "node:fs";
import { defined } from "../../../runtime/domain/defined.ts";
import { exits } from "../exits.ts";
import type { Converted } from "../migrate/converted.ts";
import { command } from "../run.ts";
import { writePrivate } from "../settings.ts";
import { parsed, readAll } from "../text.ts";

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

export default command<Flags, [file: string]>(async ({ flags, out, process, client }, file) => {
  const input = parsed<unknown>(file === "-" ? await readAll(process.stdin) : readFileSync(file, "utf8"), file);
  const entries = (await converters[flags.from]())(input);
  const made = new Map<Converted, string>();
  const secrets: Record<string, string> = {};
  const failed: { name: string; message: string }[] = [];
  if (flags.apply) {
    const triggers = client();
    for (const entry of entries) {
      if (entry.subscription === undefined) continue;
      try {
        const one = await triggers.subscribe(entry.subscription, {
          idempotencyKey: `import-${flags.from}-${entry.name}`.slice(0, 255),
        });
        made.set(entry, one.subscription_id);
        secrets[one.subscription_id] = one.signing_secret;
        // A subscription begins active; what matches in between waits in its backlog once it is disabled.
        if (entry.disabled)
          await triggers.call("PATCH", "/subscriptions/{id}", {
            params: { id: one.subscription_id },
            body: { status: "disabled" },
          });
      } catch (error) {
        failed.push({ name: entry.name, message: (error as Error).message });
      }
      // After each: what was made is never without its secret.
      if (flags.secrets !== undefined) writePrivate(flags.secrets, `${JSON.stringify(secrets, null, 2)}\n`);
    }
  }
  const left = entries.filter(({ subscription }) => subscription === undefined).length;
  out.answer(
    {
      entries: entries.map((entry) => {
        const subscription_id = made.get(entry);
        return { ...entry, ...defined({ subscription_id }) };
      }),
      failed,
    },
    () => [
      ...entries.flatMap((entry) => lines(entry, made.get(entry))),
      ...failed.map(({ name, message }) => `failed  ${name}: ${message}`),
      `${entries.length - left} of ${entries.length} have a counterpart here.${flags.apply ? ` ${made.size} were made.` : ' Nothing was changed: "--apply" makes them.'}`,
      ...(flags.apply && flags.secrets === undefined && made.size > 0
        ? ['Their signing secrets are shown to nobody: "--secrets file" keeps them, or rotate one.']
        : []),
    ],
  );
  return failed.length > 0 ? exits.refused : left > 0 ? exits.bad_news : exits.done;
});
