import { defined } from "../../../runtime/domain/defined.ts";
import { beginPrivate } from "../files.ts";
import { command } from "../run.ts";
import { confirm, table } from "../text.ts";

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

/** Makes a key into its file. @param make asks the platform for it, once the file can be written @returns what may be told of it */
async function keep<Made extends { readonly api_key: string }>(
  file: string,
  make: () => Promise<Made>,
): Promise<Omit<Made, "api_key"> & { file: string }> {
  const begun = beginPrivate(file);
  try {
    const { api_key, ...rest } = await make();
    begun.write(`${api_key}\n`);
    return { ...rest, file };
  } finally {
    begun.drop();
  }
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
  const told = await keep(flags.out, () => client().call("POST", "/keys", { body: body as never }));
  out.answer(told, () => `${told.key_id}  the key is in ${flags.out}, which only you can read`);
});

export const rotate = command<NewKeyFlags & { overlap: number }, [id: string]>(async ({ flags, out, client }, id) => {
  const body = { overlap_seconds: flags.overlap };
  const told = await keep(flags.out, () =>
    client().call("POST", "/keys/{key_id}/rotate", { params: { key_id: id }, body }),
  );
  out.answer(told, () => `${id}  the new key is in ${flags.out}; the old one works for ${flags.overlap} s`);
});

export const revoke = command<{ yes: boolean }, [id: string]>(async ({ flags, out, process, client }, id) => {
  await confirm(process, flags.yes, `Revoke ${id}? Its callers are refused within 70 s.`);
  await client().call("DELETE", "/keys/{key_id}", { params: { key_id: id } });
  out.answer({ key_id: id, revoked: true }, () => `${id} is revoked.`);
});
