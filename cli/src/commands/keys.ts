import { defined } from "../../../runtime/domain/defined.ts";
import { CommandError } from "../exits.ts";
import { command } from "../run.ts";
import { writePrivate } from "../settings.ts";
import { table } from "../text.ts";

interface Key {
  readonly key_id: string;
  readonly name: string | null;
  readonly environment: string;
  readonly scopes: readonly string[];
  readonly status: string;
  readonly last_used_at: string | null;
}

export const list = command<object, []>(async ({ out, client }) => {
  const keys: Key[] = [];
  for await (const one of client().list("/keys")) keys.push(one as unknown as Key);
  out.answer({ keys }, () =>
    table(
      ["ID", "STATUS", "ENVIRONMENT", "NAME", "LAST USED", "SCOPES"],
      keys.map((key) => [
        key.key_id,
        key.status,
        key.environment,
        key.name ?? "",
        key.last_used_at ?? "never",
        key.scopes.join(","),
      ]),
    ),
  );
});

interface NewKeyFlags {
  /** Where the key goes: it is written nowhere else, and shown to nobody. */
  readonly out: string;
}

function keep(flags: NewKeyFlags, made: { api_key: string }): Record<string, unknown> {
  const { api_key, ...rest } = made;
  writePrivate(flags.out, `${api_key}\n`);
  return { ...rest, file: flags.out };
}

export const create = command<
  NewKeyFlags & { name?: string; environment?: string; scope?: readonly string[]; expires?: string; limit?: number },
  []
>(async ({ flags, out, client }) => {
  const body = {
    ...defined({ name: flags.name, environment: flags.environment }),
    ...(flags.scope === undefined ? {} : { scopes: [...flags.scope] }),
    ...defined({ expires_at: flags.expires, limit_per_second: flags.limit }),
  };
  const made = await client().call("POST", "/keys", { body: body as never });
  const told = keep(flags, made as { api_key: string });
  out.answer(told, () => `${told.key_id}  the key is in ${flags.out}, which only you can read`);
});

export const rotate = command<NewKeyFlags & { overlap: number }, [id: string]>(async ({ flags, out, client }, id) => {
  const body = { overlap_seconds: flags.overlap };
  const made = await client().call("POST", "/keys/{key_id}/rotate", { params: { key_id: id }, body });
  const told = keep(flags, made as unknown as { api_key: string });
  out.answer(told, () => `${id}  the new key is in ${flags.out}; the old one works for ${flags.overlap} s`);
});

export const revoke = command<{ yes: boolean }, [id: string]>(async ({ flags, out, process, client }, id) => {
  if (!flags.yes) {
    if (!process.stdin.isTTY) throw new CommandError('Nobody can confirm it here: add "--yes".');
    const { ask } = await import("../text.ts");
    if (!/^y(es)?$/i.test(await ask(process, `Revoke ${id}? Its callers are refused within 70 s. [y/N] `))) return;
  }
  await client().call("DELETE", "/keys/{key_id}", { params: { key_id: id } });
  out.answer({ key_id: id, revoked: true }, () => `${id} is revoked.`);
});
