import { InvokeCommand } from "@aws-sdk/client-lambda";
import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { countInTurn, refuseManyOlder, refuseManySubscriptions } from "../../database/caps.ts";
import { asCustomer, type Tx } from "../../database/roles.ts";
import { secretPlace } from "../../database/sealing.ts";
import { activeByUrl, insertSubscriptions, keepSignatureVerified, urlHash } from "../../database/subscriptions.ts";
import { nextVersion } from "../../database/versions.ts";
import { type ErrorDetail, TriggersError } from "../../domain/errors/errors.ts";
import { newId } from "../../domain/ids.ts";
import type { DeliveryTest, DeliveryTestAnswer } from "../../domain/service.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { newSigningSecret } from "../../domain/webhook/webhookPost.ts";
import { change } from "../audited.ts";
import type { Api, Deps } from "../deps.ts";
import { releaseHeld } from "../release.ts";
import { route } from "../route.ts";
import { dictionary, OverlapSchema, Timestamp } from "../schemas.ts";
import { checkDefinition, definitionOf, type SubscriptionInput, SubscriptionRequest } from "../subscriptionInput.ts";
import { etagOf, SubscriptionSchema, viewOf } from "../subscriptionView.ts";
import { inTestSlot } from "../testSlots.ts";
import {
  changeUnderLock,
  checkEnvironment,
  checkTablesExist,
  liveSubscription,
  rulesOf,
  SubscriptionId,
  sealed,
} from "./subscriptions.ts";

const TAG = "Subscriptions";
const MAX_IMPORT = 10_000;
const MAX_IMPORT_BYTES = 16_000_000;

/**
 * Ends the secrets that sign now at `ends`, unless they end before, and adds the new one. Rotations wait for each other: one that did
 * not see another's secret would leave it without an end.
 * @throws TriggersError `limit_reached`
 */
async function rotateSecret(
  tx: Tx,
  owner: { id: string; customer_id: string },
  secret: string,
  now: Millis,
  ends: number,
) {
  await countInTurn(tx, owner.customer_id, owner.id);
  await tx
    .deleteFrom("signing_secrets")
    .where("subscription_id", "=", owner.id)
    .where("expires_at", "<=", new Date(now))
    .execute();
  await tx
    .updateTable("signing_secrets")
    .set({ expires_at: sql`least(coalesce(expires_at, 'infinity'), ${rfc3339(ends)}::timestamptz)` })
    .where("subscription_id", "=", owner.id)
    .execute();
  const { older } = await tx
    .selectFrom("signing_secrets")
    .select(sql<number>`count(*)::int`.as("older"))
    .where("subscription_id", "=", owner.id)
    .where("expires_at", ">", new Date(now))
    .executeTakeFirstOrThrow();
  refuseManyOlder(older);
  await tx
    .insertInto("signing_secrets")
    .values({ subscription_id: owner.id, customer_id: owner.customer_id, secret, created_at: rfc3339(now) })
    .execute();
}

/** Checks each subscription of an import by itself. @returns what is wrong, with the index of the subscription */
function faultsOf(inputs: readonly SubscriptionInput[], check: (input: SubscriptionInput) => void): ErrorDetail[] {
  const details: ErrorDetail[] = [];
  for (const [index, input] of inputs.entries()) {
    try {
      check(input);
    } catch (thrown) {
      if (!(thrown instanceof TriggersError)) throw thrown;
      const { path, message, ...more } = thrown.details?.[0] ?? { message: thrown.message };
      details.push({ index, path: `/subscriptions/${index}${path ?? ""}`, message, ...more, code: thrown.code });
    }
    if (details.length === 100) break;
  }
  return details;
}

/** Has a sample sent. @throws Error when the deliver function fails */
async function sample(deps: Deps, request: DeliveryTest): Promise<DeliveryTestAnswer> {
  const { FunctionError, Payload } = await deps.lambda.send(
    new InvokeCommand({ FunctionName: deps.env.DELIVER_FUNCTION, Payload: Buffer.from(JSON.stringify(request)) }),
  );
  const text = Buffer.from(Payload ?? []).toString("utf8");
  if (FunctionError !== undefined) throw new Error(`the deliver function failed on a test: ${text.slice(0, 500)}`);
  return JSON.parse(text) as DeliveryTestAnswer;
}

/** Statuses of 4xx that say nothing about the request's signature: too slow, too many. */
const SAYS_NOTHING = new Set([408, 429]);

/** Whether an endpoint that took a sample refused this one, which differs in its signature alone. */
const refusesSignature = ({ status_code }: Pick<DeliveryTestAnswer, "status_code">): boolean =>
  status_code !== null && status_code >= 400 && status_code < 500 && !SAYS_NOTHING.has(status_code);

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "post",
      path: "/subscriptions/import",
      idempotent: true,
      tag: TAG,
      summary: "Create up to 10,000 subscriptions at once",
      description:
        "All or nothing, and one change of the subscriptions' version. Send it with `Content-Encoding: gzip` when the body exceeds 1,000,000 bytes.",
      scope: "subscriptions",
      action: "subscription.import",
      body: z.strictObject({ subscriptions: z.array(SubscriptionRequest).min(1).max(MAX_IMPORT) }),
      maxBytes: MAX_IMPORT_BYTES,
      responses: {
        201: {
          description: "Ids and secrets in the order of the request.",
          schema: z.object({
            subscriptions: z.array(z.object({ subscription_id: z.string(), signing_secret: z.string() })),
          }),
        },
      },
      errors: ["unprocessable", "webhook_url_taken", "unknown_reference_table"],
    },
    async (c, { body }) => {
      const identity = c.get("identity");
      const inputs = body.subscriptions;
      const details = faultsOf(inputs, (input) => {
        checkEnvironment(identity, input.environment);
        if (input.backfill_from !== undefined) {
          throw new TriggersError("unprocessable", "An import does not backfill; use POST /replays.", {
            details: [{ path: "/backfill_from", message: "is not possible in an import" }],
          });
        }
        checkDefinition(definitionOf(input), rulesOf(deps));
      });
      if (details.length > 0) {
        throw new TriggersError("unprocessable", "Nothing was imported: some subscriptions are not valid.", {
          details,
        });
      }
      const added = inputs.map((input) => ({
        subscription_id: newId("sub", deps.now()),
        definition: definitionOf(input),
        secret: newSigningSecret(),
      }));
      const kept = await sealed(deps, identity.customer_id, added);
      await change(deps, c, identity.customer_id, async (tx, tell) => {
        const tenant = c.get("tenant");
        const snapshot = await nextVersion(tx, tenant, identity.customer_id, "subscriptions");
        const hashes = added.map(({ definition }) => urlHash(definition.webhook_url));
        const taken = await activeByUrl(tx, tenant, hashes);
        const clashes: ErrorDetail[] = [];
        for (const [index, hash] of hashes.entries()) {
          const other = taken.get(hash);
          if (other !== undefined) {
            clashes.push({
              index,
              path: `/subscriptions/${index}/webhook_url`,
              message: `is taken by ${other}`,
              subscription_id: other,
            });
          }
          taken.set(hash, other ?? `the import's own number ${index}`);
        }
        if (clashes.length > 0) {
          throw new TriggersError("webhook_url_taken", "Nothing was imported: some webhook URLs are taken.", {
            details: clashes.slice(0, 100),
          });
        }
        await refuseManySubscriptions(tx, tenant, added.length);
        await checkTablesExist(
          tx,
          tenant,
          added.map(({ definition }) => definition),
          (index) => `/subscriptions/${index}/enrich/from`,
        );
        await insertSubscriptions(tx, identity, kept, snapshot, deps.now());
        tell(added[0]!.subscription_id, { count: added.length, last: added.at(-1)!.subscription_id });
      });
      const subscriptions = added.map(({ subscription_id, secret }) => ({ subscription_id, signing_secret: secret }));
      return c.json({ subscriptions }, 201);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/subscriptions/{id}/rotate-secret",
      idempotent: true,
      tag: TAG,
      summary: "Rotate a subscription's signing secret",
      description:
        "Deliveries carry a signature of the new secret at once, and of the old one too until the overlap ends.",
      scope: "subscriptions",
      action: "subscription.rotate_secret",
      params: SubscriptionId,
      body: z.strictObject({ overlap_seconds: OverlapSchema }),
      optionalBody: true,
      responses: {
        200: {
          description: "The new secret, shown this once.",
          schema: z.object({
            subscription_id: z.string(),
            signing_secret: z.string(),
            previous_secret_expires_at: Timestamp,
          }),
        },
      },
      errors: ["limit_reached"],
    },
    async (c, { params, body }) => {
      const { customer_id } = c.get("identity");
      const secret = newSigningSecret();
      const kept = (await deps.vault()).seal(secret, secretPlace(customer_id, params.id));
      const now = deps.now();
      const ends = now + body.overlap_seconds * 1_000;
      await change(deps, c, customer_id, async (tx, tell) => {
        await liveSubscription(tx, c.get("tenant"), params.id);
        await rotateSecret(tx, { id: params.id, customer_id }, kept, now, ends);
        tell(params.id, { overlap_seconds: body.overlap_seconds });
      });
      return c.json({ subscription_id: params.id, signing_secret: secret, previous_secret_expires_at: rfc3339(ends) });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/subscriptions/{id}/enable",
      idempotent: true,
      tag: TAG,
      summary: "Enable a disabled subscription",
      scope: "subscriptions",
      action: "subscription.enable",
      params: SubscriptionId,
      responses: { 200: { description: "The subscription, active.", schema: SubscriptionSchema } },
      errors: ["webhook_url_taken", "webhook_url_forbidden", "precondition_failed"],
    },
    async (c, { params }) => {
      const row = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const { row, changed } = await changeUnderLock(tx, deps, c, params.id, (current) => {
          if (current.status === "active") return undefined;
          checkDefinition(current.definition, rulesOf(deps));
          return { status: "active", reason: null };
        });
        if (changed) tell(params.id, { version: row.version });
        return row;
      });
      await releaseHeld(deps, c.get("tenant"), params.id);
      c.header("etag", etagOf(row));
      return c.json(viewOf(row));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/subscriptions/{id}/test",
      idempotent: true,
      tag: TAG,
      summary: "Send a sample to the webhook now",
      description:
        "With any selector, and also when the subscription is disabled. Nothing is stored. The endpoint has five seconds; a customer has two tests under way at once, beyond them it is 429. A 410 removes the subscription. With `check_signature`, a sample that the endpoint took is followed by one with a wrong signature, which it should refuse with a 4xx; that it did is kept in `signature_verified_at`.",
      scope: "subscriptions",
      action: "subscription.test",
      params: SubscriptionId,
      body: z.strictObject({
        event_type: z.string().min(1).max(256).nullable().optional(),
        payload: dictionary(z.string(), z.unknown()).optional(),
        check_signature: z.boolean().optional().openapi({ description: "Also sends a sample with a wrong signature." }),
      }),
      optionalBody: true,
      responses: {
        200: {
          description: "The request, and the endpoint's answer.",
          schema: z.object({
            request: z.object({ headers: z.record(z.string(), z.string()), body: z.string() }),
            delivered: z.boolean(),
            status_code: z.number().int().nullable(),
            latency_ms: z.number(),
            error: z.string().nullable(),
            response_excerpt: z.string().optional(),
            signature: z
              .object({
                verified: z.boolean().openapi({ description: "The endpoint refused the wrong signature with a 4xx." }),
                status_code: z.number().int().nullable(),
                error: z.string().nullable(),
              })
              .optional()
              .openapi({
                description:
                  "What came back for the wrong signature; with `check_signature`, once it took the right one.",
              }),
          }),
        },
      },
    },
    async (c, { params, body }) => {
      const tenant = c.get("tenant");
      const { customer_id } = c.get("identity");
      const subscription = await asCustomer(deps.db, customer_id, (tx) => liveSubscription(tx, tenant, params.id));
      const event_type = body.event_type === undefined ? "triggers.test" : body.event_type;
      const payload = body.payload ?? { event_type, message: "A sample from POST /subscriptions/{id}/test." };
      const request: DeliveryTest = { op: "test", tenant, subscription_id: params.id, event: { event_type, payload } };
      const { right, wrong } = await inTestSlot(deps, customer_id, async () => {
        await change(deps, c, customer_id, async (_, tell) => tell(params.id));
        const right = await sample(deps, request);
        const follows = body.check_signature === true && right.delivered;
        return { right, wrong: follows ? await sample(deps, { ...request, wrongly_signed: true }) : undefined };
      });
      if (wrong === undefined) return c.json(right);
      const verified = refusesSignature(wrong);
      if (verified) await asCustomer(deps.db, customer_id, (tx) => keepSignatureVerified(tx, subscription, deps.now()));
      const { status_code, error } = wrong;
      return c.json({ ...right, signature: { verified, status_code, error } });
    },
  );
}
