import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { refuseManySubscriptions } from "../../database/caps.ts";
import type { Tx } from "../../database/roles.ts";
import type { Definition } from "../../database/schema.ts";
import { openDefinition, sealDefinition, secretPlace } from "../../database/sealing.ts";
import {
  activeByUrl,
  changeSubscription,
  findSubscription,
  insertSubscriptions,
  type NewSubscription,
  type SubscriptionChange,
  type SubscriptionRow,
  setStatus,
  urlHash,
} from "../../database/subscriptions.ts";
import { nextVersion } from "../../database/versions.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { type ErrorDetail, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import type { Environment, Identity, Tenant } from "../../domain/identity/identity.ts";
import { newId } from "../../domain/ids.ts";
import { subscriptionStatuses } from "../../domain/statuses.ts";
import { type Enrich, METADATA } from "../../domain/subscription.ts";
import { newSigningSecret } from "../../domain/webhook/webhookPost.ts";
import type { UrlRules } from "../../domain/webhook/webhookUrl.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { checkBackfill, insertBackfill } from "../backfill.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { releaseHeld, stopPosts } from "../release.ts";
import { route } from "../route.ts";
import { ulidParam } from "../schemas.ts";
import {
  checkDefinition,
  definitionOf,
  patched,
  SubscriptionPatch,
  SubscriptionRequest,
} from "../subscriptionInput.ts";
import { checkIfMatch, etagOf, NewSubscriptionSchema, SubscriptionSchema, viewOf } from "../subscriptionView.ts";

const TAG = "Subscriptions";
export const SubscriptionId = z.object({ id: ulidParam("sub") });

export const rulesOf = (deps: Deps): UrlRules => deps.urlRules;

/** A subscription lives where its key lives. @throws TriggersError `unprocessable` */
export function checkEnvironment(identity: Identity, environment: Environment | undefined): void {
  if (environment === undefined || environment === identity.environment) return;
  throw new TriggersError(
    "unprocessable",
    `This is a ${identity.environment} key: its subscriptions are ${identity.environment}, not ${environment}.`,
    { details: [{ path: "/environment", message: `must be ${identity.environment}` }] },
  );
}

/** @throws TriggersError `webhook_url_taken` naming the subscription that has it */
async function checkUrlFree(tx: Tx, tenant: Tenant, definition: Definition, except?: string): Promise<void> {
  const hash = urlHash(definition.webhook_url);
  const other = (await activeByUrl(tx, tenant, [hash], except)).get(hash);
  if (other === undefined) return;
  throw new TriggersError("webhook_url_taken", `The active subscription ${other} has the same webhook_url.`, {
    details: [{ path: "/webhook_url", message: "is taken", subscription_id: other }],
  });
}

/** @throws TriggersError `unknown_reference_table` where a definition enriches from a table that is not there */
export async function checkTablesExist(
  tx: Tx,
  tenant: Tenant,
  definitions: readonly Pick<Definition, "enrich">[],
  pathOf: (index: number) => string = () => "/enrich/from",
): Promise<void> {
  const named = definitions
    .map(({ enrich }) => (enrich as Enrich | null)?.from)
    .map((from) => (from === METADATA ? undefined : from));
  const names = [...new Set(named.filter((name) => name !== undefined))];
  if (names.length === 0) return;
  const rows = await tx
    .selectFrom("reference_tables")
    .select("name")
    .where("tenant", "=", tenant)
    .where("is_current", "=", true)
    .execute();
  const there = new Set(rows.map(({ name }) => name));
  const details = named.flatMap((name, index): ErrorDetail[] =>
    name === undefined || there.has(name)
      ? []
      : [{ path: pathOf(index), message: `There is no reference table "${name}".` }],
  );
  if (details.length === 0) return;
  throw new TriggersError("unknown_reference_table", details[0]!.message, { details: details.slice(0, 100) });
}

/** The caller's subscription that is not removed. @throws TriggersError `not_found` */
export async function liveSubscription(tx: Tx, tenant: Tenant, id: string): Promise<SubscriptionRow> {
  const row = await findSubscription(tx, tenant, id);
  if (row === undefined || row.status === "removed") throw noSuch("subscription", id);
  return row;
}

/** New subscriptions as they are stored. */
export async function sealed(
  deps: Deps,
  customer_id: string,
  added: readonly NewSubscription[],
): Promise<NewSubscription[]> {
  const vault = await deps.vault();
  return added.map(({ subscription_id, definition, secret }) => ({
    subscription_id,
    definition: sealDefinition(vault, { customer_id, subscription_id }, definition),
    secret: vault.seal(secret, secretPlace(customer_id, subscription_id)),
  }));
}

/** What of a definition the audit log keeps: never a header's value. */
const toldOf = ({ headers, ...rest }: Definition) => ({ ...rest, headers: Object.keys(headers) });

/** Applies a change under the tenant's lock. @param decide sees the definition as it was given @throws TriggersError `not_found`, `precondition_failed`, `webhook_url_taken` */
export async function changeUnderLock(
  tx: Tx,
  deps: Deps,
  c: Context<ApiEnv>,
  id: string,
  decide: (current: SubscriptionRow) => SubscriptionChange | undefined,
): Promise<{ row: SubscriptionRow; changed: boolean }> {
  const { customer_id } = c.get("identity");
  const tenant = c.get("tenant");
  await liveSubscription(tx, tenant, id);
  const vault = await deps.vault();
  const snapshot = await nextVersion(tx, tenant, customer_id, "subscriptions");
  const current = await liveSubscription(tx, tenant, id);
  checkIfMatch(c.req.header("if-match"), current);
  const wanted = decide({ ...current, definition: openDefinition(vault, current, current.definition) });
  if (wanted === undefined) return { row: current, changed: false };
  const definition = wanted.definition ?? current.definition;
  if ((wanted.status ?? current.status) === "active") await checkUrlFree(tx, tenant, definition, id);
  const change = {
    ...wanted,
    ...defined({
      definition: mapDefined(wanted.definition, (definition) => sealDefinition(vault, current, definition)),
    }),
  };
  return { row: await changeSubscription(tx, current, change, snapshot, deps.now()), changed: true };
}

export function register(app: Api, deps: Deps): void {
  const answer = (c: Context<ApiEnv>, row: SubscriptionRow, more: Readonly<Record<string, unknown>> = {}) => {
    c.header("etag", etagOf(row));
    return { ...viewOf(row), ...more };
  };

  route(
    app,
    {
      method: "post",
      path: "/subscriptions",
      idempotent: true,
      tag: TAG,
      summary: "Subscribe a webhook to events",
      description: "Effective for events accepted 5 s later, or sooner.",
      scope: "subscriptions",
      action: "subscription.create",
      body: SubscriptionRequest,
      responses: {
        201: { description: "The subscription, with `signing_secret` shown this once.", schema: NewSubscriptionSchema },
      },
      errors: [
        "invalid_selector",
        "webhook_url_forbidden",
        "webhook_url_taken",
        "unknown_reference_table",
        "invalid_header",
        "unprocessable",
      ],
    },
    async (c, { body }) => {
      const identity = c.get("identity");
      const definition = definitionOf(body);
      checkEnvironment(identity, body.environment);
      checkBackfill(body.backfill_from, deps.now());
      checkDefinition(definition, rulesOf(deps));
      const subscription_id = newId("sub", deps.now());
      const secret = newSigningSecret();
      const [added] = await sealed(deps, identity.customer_id, [{ subscription_id, definition, secret }]);
      const made = await change(deps, c, identity.customer_id, async (tx, tell) => {
        const snapshot = await nextVersion(tx, c.get("tenant"), identity.customer_id, "subscriptions");
        await refuseManySubscriptions(tx, c.get("tenant"), 1);
        await checkUrlFree(tx, c.get("tenant"), definition);
        await checkTablesExist(tx, c.get("tenant"), [definition]);
        await insertSubscriptions(tx, identity, [added!], snapshot, deps.now());
        tell(subscription_id, { ...toldOf(definition), environment: identity.environment });
        const from = body.backfill_from;
        const replay =
          from === undefined
            ? {}
            : { backfill_replay_id: await insertBackfill(deps, tx, identity, subscription_id, from) };
        return { row: await liveSubscription(tx, c.get("tenant"), subscription_id), replay };
      });
      return c.json(answer(c, made.row, { signing_secret: secret, ...made.replay }), 201);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/subscriptions",
      tag: TAG,
      summary: "List subscriptions",
      description: "Oldest first, those of the key's environment.",
      scope: "subscriptions",
      query: z.strictObject({
        ...listQuery,
        status: z.enum(subscriptionStatuses).optional().openapi({ description: "In this state." }),
      }),
      responses: pageOf("subscriptions", SubscriptionSchema),
    },
    async (c, { query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:subscriptions:${query.status ?? ""}`, query);
      const rows = await asCaller(deps, c, (tx) =>
        tx
          .selectFrom("subscriptions")
          .selectAll()
          .where("tenant", "=", c.get("tenant"))
          .where("status", "<>", "removed")
          .$if(query.status !== undefined, (q) => q.where("status", "=", query.status!))
          .where("subscription_id", ">", list.after ?? "")
          .orderBy("subscription_id")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewOf, (row) => row.subscription_id);
      return c.json({ subscriptions: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/subscriptions/{id}",
      tag: TAG,
      summary: "Read a subscription",
      description: "Its `ETag` can be sent back in `If-Match` of a change.",
      scope: "subscriptions",
      params: SubscriptionId,
      responses: { 200: { description: "The subscription.", schema: SubscriptionSchema } },
    },
    async (c, { params }) => {
      const row = await asCaller(deps, c, (tx) => liveSubscription(tx, c.get("tenant"), params.id));
      return c.json(answer(c, row));
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/subscriptions/{id}",
      tag: TAG,
      summary: "Change a subscription",
      description:
        "A member given replaces the one before; `null` clears it. With `If-Match`, only that version is changed.",
      scope: "subscriptions",
      action: "subscription.update",
      params: SubscriptionId,
      body: SubscriptionPatch,
      responses: { 200: { description: "The subscription as changed.", schema: SubscriptionSchema } },
      errors: [
        "invalid_selector",
        "webhook_url_forbidden",
        "webhook_url_taken",
        "invalid_header",
        "unknown_reference_table",
        "precondition_failed",
        "unprocessable",
      ],
    },
    async (c, { params, body }) => {
      const identity = c.get("identity");
      const { environment, backfill_from, status, ...members } = body;
      checkBackfill(backfill_from, deps.now());
      const { row, replay } = await change(deps, c, identity.customer_id, async (tx, tell) => {
        if (members.enrich) await checkTablesExist(tx, c.get("tenant"), [{ enrich: members.enrich }]);
        const { row, changed } = await changeUnderLock(tx, deps, c, params.id, (current) => {
          checkEnvironment(identity, environment);
          const definition = patched(current.definition, members);
          const same = JSON.stringify(definition) === JSON.stringify(current.definition);
          const wanted = status ?? current.status;
          if (!same || wanted === "active") checkDefinition(definition, rulesOf(deps));
          if (same && wanted === current.status) return undefined;
          return {
            definition,
            status: wanted,
            reason: wanted === "active" ? null : wanted === current.status ? current.reason : "requested",
          };
        });
        if (changed) tell(params.id, { ...toldOf(row.definition), status: row.status, version: row.version });
        const replay =
          backfill_from === undefined
            ? {}
            : { backfill_replay_id: await insertBackfill(deps, tx, identity, params.id, backfill_from) };
        return { row, replay };
      });
      if (status === "active") await releaseHeld(deps, c.get("tenant"), params.id);
      if (status === "disabled") await stopPosts(deps, c.get("tenant"), params.id);
      return c.json(answer(c, row, replay));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/subscriptions/{id}",
      tag: TAG,
      summary: "Unsubscribe",
      description: "Its waiting deliveries are cancelled, and nothing more is sent.",
      scope: "subscriptions",
      action: "subscription.delete",
      params: SubscriptionId,
      responses: { 204: { description: "Removed, now or before." } },
      errors: ["precondition_failed"],
    },
    async (c, { params }) => {
      await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const row = await findSubscription(tx, c.get("tenant"), params.id);
        if (row === undefined) throw noSuch("subscription", params.id);
        const check = (current: SubscriptionRow) => checkIfMatch(c.req.header("if-match"), current);
        const id = { tenant: c.get("tenant"), subscription_id: params.id };
        const removed = await setStatus(tx, id, { status: "removed", reason: "requested" }, deps.now(), check);
        if (removed !== undefined) tell(params.id);
      });
      await stopPosts(deps, c.get("tenant"), params.id);
      await releaseHeld(deps, c.get("tenant"), params.id);
      return c.body(null, 204);
    },
  );
}
