import { defined } from "../../../runtime/domain/defined.ts";
import type { Subscription, SubscriptionRequest } from "../../../sdk/typescript/src/client.ts";
import { writeLossless } from "../../../sdk/typescript/src/lossless.ts";
import { CommandError } from "../exits.ts";
import { beginPrivate, parsed, readNamed } from "../files.ts";
import { command } from "../run.ts";
import { type SelectorFlags, selectorOf } from "../selector.ts";
import { confirm, table } from "../text.ts";

const selectorText = (selector: unknown): string =>
  typeof selector === "string" ? selector : JSON.stringify(selector);
const line = (one: Subscription): string[] => [
  one.subscription_id,
  one.status,
  one.workflow_id ?? "",
  one.webhook_url,
  selectorText(one.event_selector),
];

export const list = command<object, []>(async ({ out, client }) => {
  const subscriptions: Subscription[] = [];
  for await (const one of client().subscriptions()) subscriptions.push(one);
  out.answer({ subscriptions }, () =>
    table(["ID", "STATUS", "WORKFLOW", "WEBHOOK", "SELECTOR"], subscriptions.map(line)),
  );
});

export const get = command<object, [id: string]>(async ({ out, client }, id) => {
  const one = await client().call("GET", "/subscriptions/{id}", { params: { id } });
  out.answer(one, () => writeLossless(one));
});

export const create = command<
  SelectorFlags & { file?: string; workflow?: string; secretFile?: string },
  [url?: string]
>(async ({ flags, out, process, client }, url) => {
  const from = flags.file;
  if (from === undefined && url === undefined) throw new CommandError("Give the webhook's URL, or --file.");
  const { type, jsonpath, cel, workflow } = flags;
  if (from !== undefined && [url, type, jsonpath, cel, workflow].some((one) => one !== undefined))
    throw new CommandError("Give --file, or the webhook's URL with its selector and workflow; not both.");
  const body =
    from === undefined
      ? {
          webhook_url: url,
          event_selector: selectorOf(flags, undefined),
          ...defined({ workflow_id: flags.workflow }),
        }
      : parsed<object>(await readNamed(from, process.stdin), from);
  const secretFile = flags.secretFile === undefined ? undefined : beginPrivate(flags.secretFile);
  try {
    // Shown once by the platform, so it is the command's answer; `--secret-file` keeps it off the screen.
    const { signing_secret, ...rest } = await client().subscribe(body as SubscriptionRequest);
    const { subscription_id: id } = rest;
    if (secretFile === undefined)
      return out.answer({ ...rest, signing_secret }, () => [id, `signing secret, shown this once: ${signing_secret}`]);
    secretFile.write(`${signing_secret}\n`);
    out.answer({ ...rest, secret_file: flags.secretFile }, () => `${id}  its secret is in ${flags.secretFile}`);
  } finally {
    secretFile?.drop();
  }
});

export const test = command<object, [id: string]>(async ({ out, client }, id) => {
  const answer = await client().call("POST", "/subscriptions/{id}/test", { params: { id } });
  out.answer(answer, () => writeLossless(answer));
});

export const enable = command<object, [id: string]>(async ({ out, client }, id) => {
  const one = await client().call("POST", "/subscriptions/{id}/enable", { params: { id } });
  out.answer(one, () => `${id} is active; what waited in its backlog is delivered now.`);
});

export const disable = command<object, [id: string]>(async ({ out, client }, id) => {
  const one = await client().call("PATCH", "/subscriptions/{id}", { params: { id }, body: { status: "disabled" } });
  out.answer(one, () => `${id} is disabled; what arrives for it waits in its backlog.`);
});

export const remove = command<{ yes: boolean }, [id: string]>(async ({ flags, out, process, client }, id) => {
  await confirm(process, flags.yes, `Remove ${id}, and cancel what waits for it?`);
  await client().unsubscribe(id);
  out.answer({ subscription_id: id, removed: true }, () => `${id} is removed.`);
});
