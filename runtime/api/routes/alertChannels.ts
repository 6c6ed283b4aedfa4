import { createHmac, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type Selectable, sql } from "kysely";
import { channelPlace, targetOf } from "../../database/alerts.ts";
import { countDone } from "../../database/audit.ts";
import { countInTurn, refuseBeyond } from "../../database/caps.ts";
import type { Tx } from "../../database/roles.ts";
import type { AlertChannelTable } from "../../database/schema.ts";
import {
  alertLink,
  type ChannelKind,
  type Composed,
  channelKinds,
  composeTest,
  composeVerification,
} from "../../domain/alerts/alert.ts";
import type { SendAnswer, SendRequest } from "../../domain/alerts/work.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { newId } from "../../domain/ids.ts";
import { linkTo } from "../../domain/links.ts";
import { TimeZone } from "../../domain/metrics/query.ts";
import { DAY_MS, type Millis, rfc3339 } from "../../domain/time.ts";
import { checkWebhookUrl } from "../../domain/webhook/webhookUrl.ts";
import { asCaller } from "../asCaller.ts";
import { change, mustBeRemoved } from "../audited.ts";
import { baseUrl } from "../baseUrl.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";
import { inTestSlot } from "../testSlots.ts";

const TAG = "Alerts";
const MAX_CHANNELS = 50;
/** Messages of a customer a day that verify channels, for they go to people who did not ask for them; and those that test channels. */
const MAX_CODES_A_DAY = 100;
const MAX_TESTS_A_DAY = 100;
const CODE_MS = DAY_MS;
const MAX_TRIES = 10;

const ChannelSchema = z
  .object({
    channel_id: z.string(),
    kind: z.enum(channelKinds),
    target: z
      .string()
      .openapi({ description: "An address, a number, a URL; of a Slack webhook's URL the end is cut." }),
    time_zone: z.string().openapi({ description: "By whose clocks its messages say times." }),
    verified: z.boolean(),
    verified_at: Timestamp.nullable(),
    failing_since: Timestamp.nullable().openapi({
      description: "Since when nothing could be sent; null while it works.",
    }),
    last_error: z.string().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("AlertChannel");
const SendAnswerSchema = z.object({
  sent: z.boolean(),
  error: z.string().nullable(),
  status_code: z.number().int().optional(),
  response_excerpt: z.string().optional(),
});
const ChannelBody = z.strictObject({
  kind: z.enum(channelKinds),
  target: z.string().trim().min(1).max(2_048).openapi({
    description:
      "`email`: an address. `sms`: a number as `+4915112345678`. `slack`: the URL of an incoming webhook. `webhook`: a public https URL.",
  }),
  time_zone: TimeZone.meta({
    description: "Messages for people say times by the clocks there; webhooks get them in UTC. `UTC` or an IANA name.",
    example: "Europe/Berlin",
  }),
});
const ChangeBody = ChannelBody.pick({ time_zone: true });
const ChannelId = z.object({ id: ulidParam("chn") });
const CodeBody = z.strictObject({
  code: z
    .string()
    .regex(/^\d{6}$/, "must be the six digits that were sent")
    .optional()
    .openapi({ description: "As it was sent. Left out, a new one is sent; a webhook is asked to prove itself again." }),
});

type Row = Selectable<AlertChannelTable>;
const viewChannel = ({
  channel_id,
  kind,
  target,
  time_zone,
  verified_at,
  failing_since,
  last_error,
  created_at,
  updated_at,
}: Row) => ({
  channel_id,
  kind,
  target,
  time_zone,
  verified: verified_at !== null,
  verified_at: verified_at?.toISOString() ?? null,
  failing_since: failing_since?.toISOString() ?? null,
  last_error,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
});

const refuseTarget = (message: string): TriggersError => invalidBody({ path: "/target", message });

const E164 = /^\+[1-9]\d{6,14}$/;
const SLACK = /^https:\/\/hooks\.slack(?:-gov)?\.com\/(?:services|triggers|workflows)\/[A-Za-z0-9/_-]+$/;
const LOOPBACK_SLACK = /^http:\/\/(?:127\.0\.0\.1|localhost):\d+\/[A-Za-z0-9/_-]+$/;

/** The target as it is kept. @throws TriggersError `invalid_request`, or `webhook_url_forbidden` for a URL that leads to no public host */
function checkedTarget(deps: Deps, kind: ChannelKind, target: string): string {
  if (kind === "email") {
    const address = z.email().max(254).safeParse(target);
    if (!address.success) throw refuseTarget("must be an e-mail address");
    const at = target.lastIndexOf("@");
    return target.slice(0, at) + target.slice(at).toLowerCase();
  }
  if (kind === "sms") {
    const number = target.replaceAll(/[\s()./-]/g, "");
    if (!E164.test(number)) throw refuseTarget("must be a number with its country code: +4915112345678");
    return number;
  }
  if (kind === "slack") {
    const local = deps.urlRules.allowLoopback && LOOPBACK_SLACK.test(target);
    if (!local && !SLACK.test(target))
      throw refuseTarget("must be the URL of a Slack incoming webhook: https://hooks.slack.com/services/…");
    return target;
  }
  const checked = checkWebhookUrl(target, deps.urlRules);
  if (!checked.ok)
    throw new TriggersError("webhook_url_forbidden", `The target can't be used: ${checked.message}`, {
      details: [{ path: "/target", message: checked.message }],
    });
  return target;
}

/** Of a Slack webhook's URL, which is a secret: its host, and the end by which its owner knows it. */
const shown = (kind: ChannelKind, target: string): string =>
  kind === "slack" ? `${new URL(target).origin}/…${target.slice(-4)}` : target;

async function codeHash(deps: Deps, channelId: string, code: string): Promise<Buffer> {
  return createHmac("sha256", await deps.secret(deps.env.CURSOR_SECRET))
    .update(`channel code\n${channelId}\n${code}`)
    .digest();
}

/** Has the alert function send something now. */
async function sendNow(deps: Deps, request: SendRequest): Promise<SendAnswer> {
  const { FunctionError, Payload } = await deps.lambda.send(
    new InvokeCommand({ FunctionName: deps.env.ALERT_FUNCTION, Payload: Buffer.from(JSON.stringify(request)) }),
    { abortSignal: AbortSignal.timeout(20_000) },
  );
  const text = Buffer.from(Payload ?? []).toString("utf8");
  if (FunctionError !== undefined) throw new Error(`the alert function failed: ${text.slice(0, 500)}`);
  return JSON.parse(text) as SendAnswer;
}

/** Takes a code that was sent. @returns whether the channel is verified by it */
export async function takeCode(deps: Deps, tx: Tx, channelId: string, code: string): Promise<boolean> {
  const now = deps.now();
  const row = await tx
    .selectFrom("alert_channels")
    .select(["code_hash", "code_expires_at", "code_tries"])
    .where("channel_id", "=", channelId)
    .forUpdate()
    .executeTakeFirst();
  if (row?.code_hash == null || row.code_expires_at === null || row.code_expires_at.getTime() < now) return false;
  if (row.code_tries >= MAX_TRIES) return false;
  const right = timingSafeEqual(await codeHash(deps, channelId, code), Buffer.from(row.code_hash, "base64"));
  await tx
    .updateTable("alert_channels")
    .set(
      right
        ? { verified_at: rfc3339(now), code_hash: null, updated_at: rfc3339(now) }
        : { code_tries: sql<number>`code_tries + 1` },
    )
    .where("channel_id", "=", channelId)
    .execute();
  return right;
}

/** @throws TriggersError `limit_reached` */
async function refuseManyCodes(tx: Tx, customerId: string, now: Millis): Promise<void> {
  await countInTurn(tx, customerId, "alert channels");
  const sent = await countDone(tx, customerId, ["alert_channel.create", "alert_channel.verify"], now - DAY_MS);
  refuseBeyond("messages that verify channels in 24 hours", MAX_CODES_A_DAY, sent);
}

export function register(app: Api, deps: Deps): void {
  const as = <T>(c: Context<ApiEnv>, work: (tx: Tx) => Promise<T>) => asCaller(deps, c, work);
  const find = (tx: Tx, c: Context<ApiEnv>, id: string) =>
    tx
      .selectFrom("alert_channels")
      .selectAll()
      .where("tenant", "=", c.get("tenant"))
      .where("channel_id", "=", id)
      .executeTakeFirst();
  async function found(c: Context<ApiEnv>, id: string): Promise<Row> {
    const row = await as(c, (tx) => find(tx, c, id));
    if (row === undefined) throw noSuch("alert channel", id);
    return row;
  }

  const send = async (c: Context<ApiEnv>, row: Row, message: Composed, payload: SendRequest["payload"]) =>
    sendNow(deps, {
      op: "send",
      tenant: c.get("tenant"),
      channel: targetOf(row, await deps.vault()),
      message,
      payload,
    });

  /** Sends what verifies a channel; a webhook proves itself at once. @returns the channel as it stands then */
  async function verify(c: Context<ApiEnv>, row: Row, code: string): Promise<Row> {
    const { channel_id, customer_id, kind, base_url } = row;
    const challenge = randomBytes(24).toString("base64url");
    const link =
      kind === "email"
        ? linkTo(await deps.secret(deps.env.CURSOR_SECRET), base_url, { does: "verify", customer_id, channel_id, code })
        : undefined;
    let answer: SendAnswer;
    try {
      answer = await send(c, row, composeVerification(code, link), {
        type: "triggers.channel.challenge",
        channel_id,
        challenge,
      });
    } catch (cause) {
      deps.log("warn", "api.channel_not_asked", { channel_id, error: String(cause) });
      answer = { sent: false, error: "The platform could not send it; try again." };
    }
    const proved = kind === "webhook" && answer.sent && answer.response_excerpt?.includes(challenge) === true;
    const error =
      kind === "webhook" && answer.sent && !proved ? "The endpoint did not answer with the challenge." : answer.error;
    return as(c, (tx) =>
      tx
        .updateTable("alert_channels")
        .set({
          last_error: error,
          updated_at: rfc3339(deps.now()),
          ...(proved ? { verified_at: rfc3339(deps.now()), code_hash: null } : {}),
        })
        .where("channel_id", "=", channel_id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
  }

  const newCode = async (channelId: string) => {
    const code = String(randomInt(1_000_000)).padStart(6, "0");
    const columns = {
      code_hash: (await codeHash(deps, channelId, code)).toString("base64"),
      code_expires_at: rfc3339(deps.now() + CODE_MS),
      code_tries: 0,
    };
    return { code, columns };
  };

  route(
    app,
    {
      method: "get",
      path: "/alert-channels",
      tag: TAG,
      summary: "List alert channels",
      scope: "events:read",
      query: z.strictObject(listQuery),
      responses: pageOf("alert_channels", ChannelSchema, "One page, the oldest first."),
    },
    async (c, { query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:alert-channels`, query);
      const rows = await as(c, (tx) =>
        tx
          .selectFrom("alert_channels")
          .selectAll()
          .where("tenant", "=", c.get("tenant"))
          .where("channel_id", ">", list.after ?? "")
          .orderBy("channel_id")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewChannel, ({ channel_id }) => channel_id);
      return c.json({ alert_channels: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alert-channels",
      idempotent: true,
      tag: TAG,
      summary: "Add a channel for alerts and reports",
      description:
        "It is used once it is verified: by the link or the code in a mail, by the code in an SMS or a Slack message, or by a webhook that answers a signed challenge with it. A webhook is asked at once.",
      scope: "subscriptions",
      action: "alert_channel.create",
      body: ChannelBody,
      responses: {
        201: {
          description: "The channel. A webhook's `signing_secret` is shown this once.",
          schema: ChannelSchema.extend({ signing_secret: z.string().optional() }),
        },
      },
      errors: ["webhook_url_forbidden", "conflict", "limit_reached"],
    },
    async (c, { body }) => {
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      const target = checkedTarget(deps, body.kind, body.target);
      const channel_id = newId("chn", deps.now());
      const signing = body.kind === "webhook" ? `whsec_${randomBytes(24).toString("base64")}` : undefined;
      const secret = body.kind === "slack" ? target : signing;
      const vault = await deps.vault();
      const { code, columns } = await newCode(channel_id);
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        await refuseManyCodes(tx, customer_id, deps.now());
        const others = await tx
          .selectFrom("alert_channels")
          .select(["channel_id", "kind", "target"])
          .where("tenant", "=", tenant)
          .execute();
        refuseBeyond("alert channels", MAX_CHANNELS, others.length);
        const same = others.find((each) => each.kind === body.kind && each.target === shown(body.kind, target));
        if (same !== undefined && body.kind !== "slack")
          throw new TriggersError("conflict", `The channel ${same.channel_id} has this target already.`, {
            details: [{ path: "/target", message: `is that of ${same.channel_id}` }],
          });
        const added = await tx
          .insertInto("alert_channels")
          .values({
            channel_id,
            tenant,
            customer_id,
            kind: body.kind,
            target: shown(body.kind, target),
            secret: secret === undefined ? null : vault.seal(secret, channelPlace(customer_id, channel_id)),
            base_url: baseUrl(deps, c),
            time_zone: body.time_zone,
            ...columns,
            created_at: rfc3339(deps.now()),
            updated_at: rfc3339(deps.now()),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        tell(channel_id, { kind: body.kind, target: added.target });
        return added;
      });
      const view = viewChannel(await verify(c, row, code));
      return c.json(signing === undefined ? view : { ...view, signing_secret: signing }, 201);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/alert-channels/{id}",
      tag: TAG,
      summary: "Read an alert channel",
      scope: "events:read",
      params: ChannelId,
      responses: { 200: { description: "The channel.", schema: ChannelSchema } },
    },
    async (c, { params }) => c.json(viewChannel(await found(c, params.id))),
  );

  route(
    app,
    {
      method: "patch",
      path: "/alert-channels/{id}",
      tag: TAG,
      summary: "Change the time zone of an alert channel",
      description:
        "It counts for messages that are sent from then on. The target stays: another one is another channel.",
      scope: "subscriptions",
      action: "alert_channel.update",
      params: ChannelId,
      body: ChangeBody,
      responses: { 200: { description: "The channel.", schema: ChannelSchema } },
    },
    async (c, { params, body: { time_zone } }) => {
      const row = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const changed = await tx
          .updateTable("alert_channels")
          .set({ time_zone, updated_at: rfc3339(deps.now()) })
          .where("tenant", "=", c.get("tenant"))
          .where("channel_id", "=", params.id)
          .returningAll()
          .executeTakeFirst();
        if (changed !== undefined) tell(params.id, { time_zone });
        return changed;
      });
      if (row === undefined) throw noSuch("alert channel", params.id);
      return c.json(viewChannel(row));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alert-channels/{id}/verify",
      tag: TAG,
      summary: "Verify an alert channel",
      description: `With the code that was sent, which holds for 24 hours and ${MAX_TRIES} tries; or without one, to have it sent again.`,
      scope: "subscriptions",
      action: "alert_channel.verify",
      params: ChannelId,
      body: CodeBody,
      optionalBody: true,
      responses: { 200: { description: "The channel as it stands.", schema: ChannelSchema } },
      errors: ["unprocessable", "limit_reached"],
    },
    async (c, { params, body }) => {
      const { customer_id } = c.get("identity");
      const row = await found(c, params.id);
      if (row.verified_at !== null) return c.json(viewChannel(row));
      if (body.code !== undefined) {
        const right = await as(c, (tx) => takeCode(deps, tx, params.id, body.code!));
        if (!right)
          throw new TriggersError(
            "unprocessable",
            "The code is wrong or no longer holds; leave it out to get another.",
            {
              details: [{ path: "/code", message: "is not the code that was sent last" }],
            },
          );
        await change(deps, c, customer_id, async (_tx, tell) => tell(params.id, { by: "code" }));
        return c.json(viewChannel(await found(c, params.id)));
      }
      const { code, columns } = await newCode(params.id);
      await change(deps, c, customer_id, async (tx, tell) => {
        await refuseManyCodes(tx, customer_id, deps.now());
        await tx.updateTable("alert_channels").set(columns).where("channel_id", "=", params.id).execute();
        tell(params.id, { sent: row.kind });
      });
      return c.json(viewChannel(await verify(c, row, code)));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alert-channels/{id}/test",
      idempotent: true,
      tag: TAG,
      summary: "Send a test to an alert channel now",
      scope: "subscriptions",
      action: "alert_channel.test",
      params: ChannelId,
      responses: { 200: { description: "What came of it.", schema: SendAnswerSchema } },
      errors: ["unprocessable", "limit_reached", "rate_limited"],
    },
    async (c, { params }) => {
      const { customer_id } = c.get("identity");
      const row = await found(c, params.id);
      if (row.verified_at === null)
        throw new TriggersError("unprocessable", "The channel is not verified yet: POST …/verify first.");
      const link = alertLink(row.base_url, { alert_id: "test" }).replace("?alert=test", "");
      const answer = await inTestSlot(deps, customer_id, async () => {
        const sent = await as(c, (tx) => countDone(tx, customer_id, ["alert_channel.test"], deps.now() - DAY_MS));
        refuseBeyond("tests of channels in 24 hours", MAX_TESTS_A_DAY, sent);
        const tested = await send(c, row, composeTest(link), {
          type: "triggers.channel.test",
          channel_id: row.channel_id,
        });
        await change(deps, c, customer_id, async (_tx, tell) => tell(params.id, { sent: tested.sent }));
        return tested;
      });
      return c.json(answer);
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/alert-channels/{id}",
      tag: TAG,
      summary: "Delete an alert channel",
      description: "Rules that name it go on without it.",
      scope: "subscriptions",
      action: "alert_channel.delete",
      params: ChannelId,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const gone = await tx
          .deleteFrom("alert_channels")
          .where("tenant", "=", c.get("tenant"))
          .where("channel_id", "=", params.id)
          .returning("channel_id")
          .executeTakeFirst();
        if (gone === undefined) return mustBeRemoved(tx, c, "alert channel", params.id);
        tell(params.id);
      });
      return c.body(null, 204);
    },
  );
}
