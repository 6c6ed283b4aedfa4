import { z } from "@hono/zod-openapi";
import type { Tx } from "../../database/roles.ts";
import type { KeyRecord } from "../../domain/apiKey.ts";
import { TriggersError } from "../../domain/errors.ts";
import { defaultScopes, type Identity } from "../../domain/identity.ts";
import { ulidIn } from "../../domain/ids.ts";
import { change } from "../audited.ts";
import { listQuery, pageOf, readCursor } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { getKey, lastUses, listKeys, makeKey, putKey, revokeKey, rotateKey } from "../keyStore.ts";
import { route } from "../route.ts";
import { EnvironmentSchema, NextCursor, OverlapSchema, ScopeSchema, Timestamp } from "../schemas.ts";

const TAG = "Keys";
const MAX_LIMIT_PER_SECOND = 1_000_000;
export const LimitSchema = z
  .number()
  .int()
  .min(1)
  .max(MAX_LIMIT_PER_SECOND)
  .openapi({ description: "Events per second" });

const KeySchema = z
  .object({
    key_id: z.string(),
    name: z.string().nullable(),
    environment: EnvironmentSchema,
    scopes: z.array(ScopeSchema),
    limit_per_second: LimitSchema.nullable().openapi({ description: "The key's own limit below the customer's." }),
    expires_at: Timestamp.nullable(),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable().openapi({ description: "To within ten minutes." }),
    status: z.enum(["active", "revoked", "expired"]),
  })
  .openapi("Key");
const NewKeySchema = KeySchema.extend({
  api_key: z.string().openapi({ description: "The key itself, shown only here." }),
}).openapi("NewKey");

const KeyRequest = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  environment: EnvironmentSchema.optional().openapi({ description: "By default that of the key that asks: `live`." }),
  scopes: z.array(ScopeSchema).min(1).max(20).optional(),
  expires_at: Timestamp.nullable().optional(),
  limit_per_second: LimitSchema.nullable().optional(),
});
const KeyId = z.object({ key_id: z.string().refine((id) => ulidIn("key", id) !== undefined) });

const viewOf = (record: KeyRecord, lastUsed: string | undefined, now: number) => ({
  key_id: record.key_id,
  name: record.name ?? null,
  environment: record.environment,
  scopes: record.scopes,
  limit_per_second: record.limit_per_second ?? null,
  expires_at: record.expires_at ?? null,
  created_at: record.created_at,
  last_used_at: lastUsed ?? null,
  status:
    record.status === "active" && record.expires_at !== undefined && Date.parse(record.expires_at) <= now
      ? "expired"
      : record.status,
});

/**
 * Nobody makes, or gets hold of, a key that can do more than their own.
 * @throws TriggersError `forbidden`
 */
function refuseEscalation(
  maker: Identity,
  key: Pick<KeyRecord, "environment" | "scopes"> & { readonly limit_per_second?: number | undefined },
): void {
  const more = key.scopes.filter((scope) => !maker.scopes.includes(scope));
  if (more.length > 0) {
    throw new TriggersError("forbidden", `This key lacks what the other would have: ${more.join(", ")}.`);
  }
  if (maker.environment === "sandbox" && key.environment === "live") {
    throw new TriggersError("forbidden", "A sandbox key can't give access to live data.");
  }
  const ceiling = Math.min(maker.limit_per_second, maker.key_limit_per_second ?? Number.POSITIVE_INFINITY);
  const limit = key.limit_per_second ?? (maker.key_limit_per_second === undefined ? 0 : Number.POSITIVE_INFINITY);
  if (limit > ceiling) {
    throw new TriggersError(
      "forbidden",
      `This key's limit is ${ceiling} events per second; the other's can't exceed it.`,
    );
  }
}

/** The customer's limit; the row stays locked so that a change or deletion of the customer waits. */
async function lockedLimit(tx: Tx, customerId: string): Promise<number> {
  const row = await tx
    .selectFrom("customers")
    .select(["limit_per_second", "status"])
    .where("customer_id", "=", customerId)
    .forShare()
    .executeTakeFirst();
  if (row?.status !== "active") throw new TriggersError("forbidden", "The customer no longer exists.");
  return row.limit_per_second;
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "post",
      path: "/keys",
      tag: TAG,
      summary: "Create an API key",
      description: "Its scopes, environment and limit can't exceed those of the key that asks.",
      scope: "keys",
      action: "key.create",
      body: KeyRequest,
      optionalBody: true,
      responses: { 201: { description: "The key, with `api_key` shown this once.", schema: NewKeySchema } },
    },
    async (c, { body }) => {
      const maker = c.get("identity");
      const limit = body.limit_per_second ?? maker.key_limit_per_second;
      const scopes = [...new Set(body.scopes ?? defaultScopes.filter((scope) => maker.scopes.includes(scope)))];
      if (scopes.length === 0) throw new TriggersError("forbidden", "This key has none of the scopes a new key has.");
      if (typeof body.expires_at === "string" && Date.parse(body.expires_at) <= deps.now()) {
        throw new TriggersError("invalid_request", "The body is not valid.", {
          details: [{ path: "/expires_at", message: "must be in the future" }],
        });
      }
      const wanted = {
        customer_id: maker.customer_id,
        environment: body.environment ?? maker.environment,
        scopes,
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(typeof body.expires_at === "string" ? { expires_at: new Date(body.expires_at).toISOString() } : {}),
        ...(limit === undefined ? {} : { limit_per_second: limit }),
      };
      refuseEscalation(maker, wanted);
      const { record, apiKey } = await change(deps, c, maker.customer_id, async (tx, tell) => {
        const customerLimit = await lockedLimit(tx, maker.customer_id);
        const made = await makeKey(deps, { ...wanted, customer_limit_per_second: customerLimit });
        tell(made.record.key_id, { name: body.name ?? null, environment: wanted.environment, scopes });
        await putKey(deps, made.record);
        return made;
      });
      return c.json({ ...viewOf(record, undefined, deps.now()), api_key: apiKey }, 201);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/keys",
      tag: TAG,
      summary: "List the customer's keys",
      description: "Live and sandbox keys, revoked ones included; never their text.",
      scope: "keys",
      query: z.strictObject(listQuery),
      responses: {
        200: { description: "One page.", schema: z.object({ keys: z.array(KeySchema), next_cursor: NextCursor }) },
      },
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const purpose = `${customer_id}:keys`;
      const after = query.cursor === undefined ? undefined : await readCursor<string>(deps, purpose, query.cursor);
      const found = await listKeys(deps, customer_id, after, query.limit + 1);
      const { items, next_cursor } = await pageOf(deps, purpose, found, query.limit, ({ key_id }) => key_id);
      const uses = await lastUses(
        deps,
        items.map(({ key_id }) => key_id),
      );
      return c.json({ keys: items.map((record) => viewOf(record, uses.get(record.key_id), deps.now())), next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/keys/{key_id}",
      tag: TAG,
      summary: "Read a key",
      scope: "keys",
      params: KeyId,
      responses: { 200: { description: "The key, without its text.", schema: KeySchema } },
    },
    async (c, { params }) => {
      const record = await getKey(deps, c.get("identity").customer_id, params.key_id);
      const uses = await lastUses(deps, [record.key_id]);
      return c.json(viewOf(record, uses.get(record.key_id), deps.now()));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/keys/{key_id}/rotate",
      tag: TAG,
      summary: "Give a key a new text",
      description: "The new one is valid at once, the old one until the overlap ends.",
      scope: "keys",
      action: "key.rotate",
      params: KeyId,
      body: z.strictObject({ overlap_seconds: OverlapSchema }),
      optionalBody: true,
      responses: { 200: { description: "The key, with its new `api_key` shown this once.", schema: NewKeySchema } },
      errors: ["conflict"],
    },
    async (c, { params, body }) => {
      const maker = c.get("identity");
      const { record, apiKey } = await change(deps, c, maker.customer_id, async (tx, tell) => {
        await lockedLimit(tx, maker.customer_id);
        const current = await getKey(deps, maker.customer_id, params.key_id);
        if (current.key_id !== maker.key_id) refuseEscalation(maker, current);
        if (viewOf(current, undefined, deps.now()).status !== "active") {
          throw new TriggersError("conflict", "The key is revoked or expired.");
        }
        tell(current.key_id, { overlap_seconds: body.overlap_seconds });
        return rotateKey(deps, current, body.overlap_seconds);
      });
      const uses = await lastUses(deps, [record.key_id]);
      return c.json({ ...viewOf(record, uses.get(record.key_id), deps.now()), api_key: apiKey });
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/keys/{key_id}",
      tag: TAG,
      summary: "Revoke a key",
      description: "It is refused everywhere within 70 s.",
      scope: "keys",
      action: "key.revoke",
      params: KeyId,
      responses: { 204: { description: "Revoked, now or before." } },
    },
    async (c, { params }) => {
      const { customer_id } = c.get("identity");
      await change(deps, c, customer_id, async (_, tell) => {
        const record = await getKey(deps, customer_id, params.key_id);
        if (record.status === "revoked") return;
        tell(record.key_id);
        await revokeKey(deps, record.key_id);
      });
      return c.body(null, 204);
    },
  );
}
