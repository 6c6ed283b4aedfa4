import { z } from "@hono/zod-openapi";
import { CAPS, countInTurn, refuseBeyond } from "../../database/caps.ts";
import type { Tx } from "../../database/roles.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { invalidBody, TriggersError, unauthorized } from "../../domain/errors/errors.ts";
import type { KeyRecord } from "../../domain/identity/apiKey.ts";
import { BROWSER_SCOPE, isOrigin } from "../../domain/identity/browser.ts";
import { defaultScopes, type Identity, type KeyLimit, type Scope } from "../../domain/identity/identity.ts";
import type { Millis } from "../../domain/time.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import {
  adopt,
  everyKey,
  getKey,
  hasEnded,
  lastUses,
  listKeys,
  makeKey,
  putKey,
  revokeFamily,
  rotateKey,
} from "../keyStore.ts";
import { route } from "../route.ts";
import { EnvironmentSchema, OverlapSchema, ScopeSchema, Timestamp, ulidParam } from "../schemas.ts";

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
    allowed_origins: z
      .array(z.string())
      .optional()
      .openapi({ description: "Of a key that web pages hold: the only origins that it works from." }),
    expires_at: Timestamp.nullable(),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable().openapi({ description: "To within ten minutes." }),
    last_four: z.string().nullable().openapi({
      description:
        "How the text of the key ends, by which you tell it from others: of its checksum, not of its secret.",
    }),
    status: z.enum(["active", "revoked", "expired"]),
  })
  .openapi("Key");
const NewKeySchema = KeySchema.extend({
  api_key: z.string().openapi({ description: "The key itself, shown only here." }),
}).openapi("NewKey");

const MAX_ORIGINS = 20;
const Origin = z
  .string()
  .max(300)
  .refine(isOrigin, "must be an origin as browsers write it, such as https://app.example.com")
  .openapi({ type: "string", example: "https://app.example.com" });

const KeyRequest = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  environment: EnvironmentSchema.optional().openapi({ description: "By default that of the key that asks: `live`." }),
  scopes: z.array(ScopeSchema).min(1).max(20).optional(),
  expires_at: Timestamp.nullable().optional(),
  limit_per_second: LimitSchema.nullable().optional(),
  allowed_origins: z.array(Origin).min(1).max(MAX_ORIGINS).optional().openapi({
    description:
      "For a key that web pages hold: it works from these origins only, and may have no other scope than `events:write`.",
  }),
});
const KeyId = z.object({ key_id: ulidParam("key") });

const viewOf = (record: KeyRecord, lastUsed: string | undefined, now: Millis) => ({
  key_id: record.key_id,
  name: record.name ?? null,
  environment: record.environment,
  scopes: record.scopes,
  limit_per_second: record.limit_per_second ?? null,
  ...defined({ allowed_origins: record.allowed_origins }),
  expires_at: record.expires_at ?? null,
  created_at: record.created_at,
  last_used_at: lastUsed ?? null,
  last_four: record.versions[0]?.last_four ?? null,
  status:
    record.status === "active" && record.expires_at !== undefined && Date.parse(record.expires_at) <= now
      ? "expired"
      : record.status,
});

/** A key may change only keys that can do no more than itself. @throws TriggersError `forbidden` */
function refuseMore(maker: Identity, key: Pick<KeyRecord, "environment" | "scopes">): void {
  const more = key.scopes.filter((scope) => !maker.scopes.includes(scope));
  if (more.length > 0) {
    throw new TriggersError("forbidden", `This key lacks what the other would have: ${more.join(", ")}.`);
  }
  if (maker.environment === "sandbox" && key.environment === "live") {
    throw new TriggersError("forbidden", "A sandbox key can't give access to live data.");
  }
}

/**
 * Nobody makes, or gets hold of, a key that can do more than their own, or for longer.
 * @param ends when the maker's own ends
 * @throws TriggersError `forbidden`
 */
function refuseEscalation(
  maker: Identity,
  ends: string | undefined,
  key: Pick<KeyRecord, "environment" | "scopes"> & {
    readonly limit_per_second?: number | undefined;
    readonly expires_at?: string | undefined;
  },
): void {
  refuseMore(maker, key);
  if (ends !== undefined && (key.expires_at === undefined || Date.parse(key.expires_at) > Date.parse(ends)))
    throw new TriggersError("forbidden", `This key ends at ${ends}; the other can't outlive it.`);
  const ceiling = Math.min(maker.limit_per_second, maker.key_limit_per_second ?? Number.POSITIVE_INFINITY);
  const limit = key.limit_per_second ?? (maker.key_limit_per_second === undefined ? 0 : Number.POSITIVE_INFINITY);
  if (limit > ceiling) {
    throw new TriggersError(
      "forbidden",
      `This key's limit is ${ceiling} events per second; the other's can't exceed it.`,
    );
  }
}

/** Generations of keys with a limit of their own: each event of a key counts against all of them. */
const MAX_FAMILY = 8;

/** The keys with a limit of their own from which a child of the maker descends. @throws TriggersError `forbidden` */
function familyOf({ key_id, key_limit_per_second: limit, key_family = [] }: Identity): readonly KeyLimit[] {
  const family = limit === undefined ? key_family : [...key_family, { key_id, limit_per_second: limit }];
  if (family.length > MAX_FAMILY)
    throw new TriggersError("forbidden", `Keys with a limit go no further than ${MAX_FAMILY} generations.`);
  return family;
}

/**
 * When the key that asks ends; undefined when it does not.
 * @throws TriggersError `unauthorized` when it has been revoked since the edge let it pass
 */
async function endOf(deps: Deps, maker: Identity): Promise<string | undefined> {
  if (maker.person !== undefined) return undefined;
  const record = await getKey(deps, maker.customer_id, maker.key_id);
  if (record.status !== "active") throw unauthorized();
  return record.expires_at;
}

/**
 * The scopes asked for, or those that a new key has by default.
 * @throws TriggersError `invalid_request` where a key for web pages would have more than `events:write`
 */
function scopesOf(body: z.output<typeof KeyRequest>, maker: Identity): Scope[] {
  const usual: readonly Scope[] = body.allowed_origins === undefined ? defaultScopes : [BROWSER_SCOPE];
  const wanted = [...new Set(body.scopes ?? usual.filter((scope) => maker.scopes.includes(scope)))];
  if (body.allowed_origins !== undefined && wanted.some((scope) => scope !== BROWSER_SCOPE)) {
    const message = `a key with \`allowed_origins\` may only have the scope ${BROWSER_SCOPE}`;
    throw invalidBody({ path: "/scopes", message });
  }
  return wanted;
}

/** @throws TriggersError `limit_reached` when as many keys work as may */
async function refuseManyKeys(deps: Deps, customerId: string): Promise<void> {
  let count = 0;
  for await (const key of everyKey(deps, customerId))
    if (!hasEnded(key, deps.now())) refuseBeyond("keys", CAPS.keys, count++);
  refuseBeyond("keys", CAPS.keys, count);
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
      idempotent: true,
      tag: TAG,
      summary: "Create an API key",
      description:
        "Its scopes, environment, limit and lifetime can't exceed those of the key that asks, whose limit it shares, and it is revoked with it.",
      scope: "keys",
      action: "key.create",
      body: KeyRequest,
      optionalBody: true,
      responses: { 201: { description: "The key, with `api_key` shown this once.", schema: NewKeySchema } },
    },
    async (c, { body }) => {
      const maker = c.get("identity");
      const limit = body.limit_per_second ?? maker.key_limit_per_second;
      const scopes = scopesOf(body, maker);
      if (scopes.length === 0) throw new TriggersError("forbidden", "This key has none of the scopes a new key has.");
      if (typeof body.expires_at === "string" && Date.parse(body.expires_at) <= deps.now()) {
        throw invalidBody({ path: "/expires_at", message: "must be in the future" });
      }
      const family = familyOf(maker);
      const asked = {
        customer_id: maker.customer_id,
        environment: body.environment ?? maker.environment,
        scopes,
        ...defined({ name: body.name, limit_per_second: limit }),
        ...(family.length === 0 ? {} : { family }),
        ...defined({
          allowed_origins: mapDefined(body.allowed_origins, (allowed_origins) => [...new Set(allowed_origins)]),
        }),
      };
      refuseMore(maker, asked);
      const { record, apiKey } = await change(deps, c, maker.customer_id, async (tx, tell) => {
        const customerLimit = await lockedLimit(tx, maker.customer_id);
        const ends = await endOf(deps, maker);
        const expires = body.expires_at === undefined ? ends : (body.expires_at ?? undefined);
        const wanted = {
          ...asked,
          customer_limit_per_second: customerLimit,
          ...defined({ expires_at: mapDefined(expires, (expires) => new Date(expires).toISOString()) }),
        };
        refuseEscalation({ ...maker, limit_per_second: customerLimit }, ends, wanted);
        await countInTurn(tx, maker.customer_id, "keys");
        await refuseManyKeys(deps, maker.customer_id);
        const made = await makeKey(deps, wanted);
        tell(made.record.key_id, { name: body.name ?? null, environment: wanted.environment, scopes });
        await putKey(deps, made.record);
        // A key that a person made ends when somebody revokes it, not when the person leaves.
        if (maker.person === undefined) await adopt(deps, maker.key_id, made.record.key_id);
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
      responses: pageOf("keys", KeySchema),
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const list = await openList<string>(deps, `${customer_id}:keys`, query);
      const found = await listKeys(deps, customer_id, list.after, list.toRead);
      const uses = await lastUses(
        deps,
        found.map(({ key_id }) => key_id),
      );
      const { items, next_cursor } = await list.page(
        found,
        (record) => viewOf(record, uses.get(record.key_id), deps.now()),
        ({ key_id }) => key_id,
      );
      return c.json({ keys: items, next_cursor });
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
      idempotent: true,
      tag: TAG,
      summary: "Rotate a key",
      description: "The new one is valid at once, the old one until the overlap ends.",
      scope: "keys",
      action: "key.rotate",
      params: KeyId,
      body: z.strictObject({ overlap_seconds: OverlapSchema }),
      optionalBody: true,
      responses: { 200: { description: "The key, with its new `api_key` shown this once.", schema: NewKeySchema } },
      errors: ["conflict", "limit_reached"],
    },
    async (c, { params, body }) => {
      const maker = c.get("identity");
      const { record, apiKey } = await change(deps, c, maker.customer_id, async (tx, tell) => {
        const customerLimit = await lockedLimit(tx, maker.customer_id);
        await countInTurn(tx, maker.customer_id, params.key_id);
        const current = await getKey(deps, maker.customer_id, params.key_id);
        if (current.key_id !== maker.key_id) {
          refuseMore(maker, current);
          refuseEscalation({ ...maker, limit_per_second: customerLimit }, await endOf(deps, maker), current);
        }
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
      description: "It is refused everywhere within 70 s, and so are the keys that it made.",
      scope: "keys",
      action: "key.revoke",
      params: KeyId,
      responses: { 204: { description: "Revoked, now or before." } },
    },
    async (c, { params }) => {
      const maker = c.get("identity");
      await change(deps, c, maker.customer_id, async (_, tell) => {
        const record = await getKey(deps, maker.customer_id, params.key_id);
        if (record.key_id !== maker.key_id && record.status === "active") refuseMore(maker, record);
        // One that is revoked already may have children that were not, if the platform stopped in between.
        for (const id of await revokeFamily(deps, record.key_id))
          tell(id, id === record.key_id ? {} : { with: record.key_id });
      });
      return c.body(null, 204);
    },
  );
}
