import { sql } from "kysely";
import type { AlertFacts, ChannelKind, ToldChange } from "../domain/alerts/alert.ts";
import type { Change } from "../domain/alerts/evaluate.ts";
import { watchedBy } from "../domain/alerts/rule.ts";
import type { AlertChange, ChannelTarget, DueMessage, Sent, Standing } from "../domain/alerts/work.ts";
import { defined } from "../domain/defined.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { firstUlidAt, newId } from "../domain/ids.ts";
import type { LiveAlert } from "../domain/live.ts";
import { KEPT_DAYS } from "../domain/metrics/sums.ts";
import { DAY_MS, type Millis, rfc3339 } from "../domain/time.ts";
import type { Place, Vault } from "../domain/webhook/vault.ts";
import type { Tx } from "./roles.ts";

/**
 * Alerts, and the messages about them.
 *
 * Invariant: a change of state and the messages that tell it are written together, only where the alert was in the state that the
 * change begins from, and only for minutes after those that are written already. So each change is told once, also where a
 * minute is evaluated twice, and messages that are not sent yet are still there.
 */

const PAGE = 2_000;

/** A page of all alerts that are pending or firing. */
export async function standingAlerts(tx: Tx, after: string): Promise<{ alerts: Standing[]; next: string | null }> {
  const rows = await tx
    .selectFrom("alerts")
    .select(["alert_id", "tenant", "rule_id", "watch"])
    .where("state", "<>", "resolved")
    .where("alert_id", ">", after)
    .orderBy("alert_id")
    .limit(PAGE)
    .execute();
  return {
    alerts: rows.flatMap(({ watch, ...row }) => (watch === null ? [] : [{ ...row, watch }])),
    next: rows.length < PAGE ? null : rows.at(-1)!.alert_id,
  };
}

/** Writes what evaluating found of a tenant's rules, and queues what is to be told. @returns the changes of state that were made */
export async function saveAlerts(
  tx: Tx,
  tenant: Tenant,
  changes: readonly AlertChange[],
  now: Millis,
): Promise<LiveAlert[]> {
  const made: LiveAlert[] = [];
  for (const change of changes) {
    const changed = await saveAlert(tx, tenant, change, now);
    if (changed !== undefined) made.push(changed);
  }
  return made;
}

const openOf = (tx: Tx, ruleId: string) =>
  tx
    .selectFrom("alerts")
    .selectAll()
    .where("rule_id", "=", ruleId)
    .where("state", "<>", "resolved")
    .forUpdate()
    .executeTakeFirst();

/** @returns the change of state that was made, if one was */
async function saveAlert(tx: Tx, tenant: Tenant, change: AlertChange, now: Millis): Promise<LiveAlert | undefined> {
  const { rule, watch, changes, at, value, cause = null } = change;
  let open = await openOf(tx, rule.rule_id);
  // Who was here before has seen this minute, and later ones.
  if (open?.watch != null && open.watch.seen_at >= at) return undefined;
  if (open === undefined && changes.includes("pending") && watch !== null) {
    // It begins before the last one ended: it is the same, evaluated once more.
    if (await hasAlert(tx, rule.rule_id, "resolved_at", watch.since)) return undefined;
    open = await tx
      .insertInto("alerts")
      .values({
        alert_id: newId("alt", now),
        rule_id: rule.rule_id,
        tenant,
        customer_id: splitTenant(tenant).customer_id,
        state: "pending",
        rule: JSON.stringify(rule),
        severity: watch.severity,
        value,
        watch: JSON.stringify(watch),
        since: rfc3339(watch.since),
        created_at: rfc3339(now),
        updated_at: rfc3339(now),
      })
      .onConflict((oc) => oc.doNothing())
      .returningAll()
      .executeTakeFirst();
  }
  if (open === undefined) return undefined;
  const { alert_id } = open;
  if (changes.includes("lapsed")) {
    await tx.deleteFrom("alerts").where("alert_id", "=", alert_id).where("state", "=", "pending").execute();
    return undefined;
  }
  const told: ToldChange | undefined = changes.includes("resolved")
    ? "resolved"
    : changes.includes("escalated")
      ? "escalated"
      : changes.includes("firing")
        ? "firing"
        : undefined;
  // Another evaluation was here before: it told.
  if (told === "firing" && open.state !== "pending") return undefined;
  if ((told === "escalated" || told === "resolved") && open.state !== "firing") return undefined;
  const updated = await tx
    .updateTable("alerts")
    .set({
      watch: JSON.stringify(watch),
      value,
      updated_at: rfc3339(now),
      ...(watch === null ? {} : { severity: watch.severity }),
      ...(told === "firing" ? { state: "firing" as const, fired_at: rfc3339(at), cause } : {}),
      ...(told === "resolved"
        ? { state: "resolved" as const, resolved_at: rfc3339(at), resolution: change.resolution ?? "recovered" }
        : {}),
    })
    .where("alert_id", "=", alert_id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (told !== undefined) await tell(tx, { ...updated, rule }, told, at, now);
  if (told === undefined && !changes.includes("pending")) return undefined;
  const { change: _, ...facts } = factsOf({ ...updated, rule }, told ?? "firing", at);
  return { ...facts, state: updated.state };
}

/** Whether one of the rule's alerts was resolved, or is snoozed, at a time later than `since`. */
async function hasAlert(
  tx: Tx,
  ruleId: string,
  ends: "resolved_at" | "snoozed_until",
  since: Millis,
): Promise<boolean> {
  const row = await tx
    .selectFrom("alerts")
    .select("alert_id")
    .where("rule_id", "=", ruleId)
    .where(ends, ">", new Date(since))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

type AlertRow = NonNullable<Awaited<ReturnType<typeof openOf>>>;

function factsOf(row: AlertRow, change: ToldChange, at: Millis): AlertFacts {
  const { alert_id, rule, severity, value, since, cause, resolution, tenant } = row;
  return {
    alert_id,
    rule_id: rule.rule_id,
    name: rule.name,
    kind: rule.kind,
    severity,
    change,
    environment: splitTenant(tenant).environment,
    value,
    threshold: rule.threshold,
    unit: watchedBy(rule).unit,
    for_minutes: rule.for_minutes,
    since: since.toISOString(),
    at: rfc3339(at),
    cause,
    resolution: change === "resolved" ? resolution : null,
  };
}

/** Queues a message to every verified channel of the rule, and one that becomes an event of the customer. */
async function tell(tx: Tx, row: AlertRow, change: ToldChange, at: Millis, now: Millis): Promise<void> {
  const { alert_id, tenant, customer_id, rule } = row;
  const facts = JSON.stringify(factsOf(row, change, at));
  const quiet = change !== "resolved" && (await hasAlert(tx, rule.rule_id, "snoozed_until", now));
  const channels =
    rule.channels.length === 0 || quiet
      ? []
      : await tx
          .selectFrom("alert_channels")
          .select("channel_id")
          .where("tenant", "=", tenant)
          .where("channel_id", "in", rule.channels)
          .where("verified_at", "is not", null)
          .execute();
  if (change === "escalated" && channels.length === 0) return;
  await tx
    .insertInto("alert_messages")
    .values(
      // What becomes worse is no change of state.
      [...(change === "escalated" ? [] : [null]), ...channels.map(({ channel_id }) => channel_id)].map(
        (channel_id) => ({
          message_id: newId("msg", now),
          alert_id,
          tenant,
          customer_id,
          channel_id,
          change,
          content: facts,
          state: "pending" as const,
          next_attempt_at: rfc3339(now),
          created_at: rfc3339(now),
        }),
      ),
    )
    .execute();
}

/** Ends the open alerts of a rule that is deleted or switched off; those that fired are told as resolved. */
export async function endAlerts(tx: Tx, ruleId: string, resolution: string, now: Millis): Promise<void> {
  const open = await openOf(tx, ruleId);
  if (open === undefined) return;
  const changes: readonly Change[] = open.state === "firing" ? ["resolved"] : ["lapsed"];
  const { rule, tenant } = open;
  await saveAlert(tx, tenant, { rule, watch: null, changes, resolution, at: now, value: open.value }, now);
}

// ---- sending -------------------------------------------------------------------------------------------------------

/** Waits between the attempts to send a message, minutes; after the last it is given up. */
export const MESSAGE_WAITS_MINUTES: readonly number[] = [1, 2, 5, 15, 30, 60, 120, 240];
/** Wait of a message that AWS had no room for, which says nothing of its channel. */
const BUSY_MS = 60_000;
/** Attempts after which a message goes to another channel, too. */
const TELL_ELSEWHERE_AFTER = 3;
/** Milliseconds for which a message that is being sent is left alone by others. */
const LEASE_MS = 120_000;

export const channelPlace = (customerId: string, channelId: string): Place => [customerId, channelId, "channel"];

/** @param row of a channel, as it is stored */
export function targetOf(
  row: {
    channel_id: string;
    customer_id: string;
    kind: ChannelKind;
    target: string;
    secret: string | null;
    base_url: string;
    time_zone: string;
  },
  vault: Vault,
): ChannelTarget {
  const { channel_id, customer_id, kind, target, base_url, time_zone } = row;
  const secret = row.secret === null ? undefined : vault.open(row.secret, channelPlace(customer_id, channel_id));
  return {
    channel_id,
    kind,
    target: kind === "slack" ? secret! : target,
    base_url,
    time_zone,
    ...(kind === "webhook" ? { signing_secret: secret! } : {}),
  };
}

/**
 * Messages that are due, taken for this caller: each is one attempt further. Tenants take turns, so that one whose endpoints hang keeps
 * nobody else's waiting.
 */
export async function dueMessages(tx: Tx, limit: number, now: Millis, vault: Vault): Promise<DueMessage[]> {
  const taken = await tx
    .updateTable("alert_messages")
    .set({ next_attempt_at: rfc3339(now + LEASE_MS), attempts: sql<number>`attempts + 1` })
    .where("message_id", "in", (eb) =>
      eb
        .selectFrom("alert_messages")
        .select("message_id")
        .where("message_id", "in", (turns) =>
          turns
            .selectFrom("alert_messages")
            .select("message_id")
            .where("state", "=", "pending")
            .where("next_attempt_at", "<=", new Date(now))
            .orderBy(sql`row_number() over (partition by tenant order by next_attempt_at)`)
            .orderBy("next_attempt_at")
            .limit(limit),
        )
        .where("state", "=", "pending")
        .where("next_attempt_at", "<=", new Date(now))
        .forUpdate()
        .skipLocked(),
    )
    .returning(["message_id", "tenant", "content", "channel_id"])
    .execute();
  const ids = [...new Set(taken.flatMap(({ channel_id }) => (channel_id === null ? [] : [channel_id])))];
  const rows =
    ids.length === 0 ? [] : await tx.selectFrom("alert_channels").selectAll().where("channel_id", "in", ids).execute();
  const channels = new Map<string, ChannelTarget>();
  /** Why a channel can't be told, by its id. */
  const unreadable = new Map<string | null, string>();
  for (const row of rows) {
    try {
      channels.set(row.channel_id, targetOf(row, vault));
    } catch (error) {
      unreadable.set(row.channel_id, `the channel can't be opened: ${(error as Error).message}`);
    }
  }
  const due: DueMessage[] = [];
  for (const { channel_id, ...message } of taken) {
    const error = unreadable.get(channel_id);
    if (error !== undefined) {
      // It fails as one whose endpoint does, so that another channel is told, and keeps nobody else's from being sent.
      await settleMessages(tx, [{ message_id: message.message_id, error }], now);
      continue;
    }
    const channel = channel_id === null ? undefined : channels.get(channel_id);
    // The channel was deleted meanwhile.
    if (channel_id !== null && channel === undefined)
      await tx
        .updateTable("alert_messages")
        .set({ state: "failed", error: "the channel is deleted" })
        .where("message_id", "=", message.message_id)
        .execute();
    else due.push({ ...message, ...defined({ channel }) });
  }
  return due;
}

/** Writes what became of messages, and has one that fails again and again told through another channel. */
export async function settleMessages(tx: Tx, sent: readonly Sent[], now: Millis): Promise<void> {
  for (const { message_id, error, busy } of sent) {
    const message = await tx
      .selectFrom("alert_messages")
      .selectAll()
      .where("message_id", "=", message_id)
      .executeTakeFirst();
    if (message?.state !== "pending") continue;
    if (error === null) {
      await tx
        .updateTable("alert_messages")
        .set({ state: "sent", error: null, sent_at: rfc3339(now) })
        .where("message_id", "=", message_id)
        .execute();
      if (message.channel_id !== null) await channelAnswered(tx, message.channel_id, null, now);
      continue;
    }
    if (busy === true) {
      await tx
        .updateTable("alert_messages")
        .set({ error, attempts: sql<number>`attempts - 1`, next_attempt_at: rfc3339(now + BUSY_MS) })
        .where("message_id", "=", message_id)
        .execute();
      continue;
    }
    const wait = MESSAGE_WAITS_MINUTES[message.attempts - 1];
    await tx
      .updateTable("alert_messages")
      .set({
        error,
        ...(wait === undefined ? { state: "failed" as const } : { next_attempt_at: rfc3339(now + wait * 60_000) }),
      })
      .where("message_id", "=", message_id)
      .execute();
    if (message.channel_id === null) continue;
    await channelAnswered(tx, message.channel_id, error, now);
    if (message.attempts === TELL_ELSEWHERE_AFTER && message.content.instead_of === undefined)
      await tellElsewhere(tx, message, now);
  }
}

/** Remembers how a channel does. */
async function channelAnswered(tx: Tx, channelId: string, error: string | null, now: Millis): Promise<void> {
  await tx
    .updateTable("alert_channels")
    .set(
      error === null
        ? { failures: 0, failing_since: null, last_error: null }
        : {
            failures: sql<number>`failures + 1`,
            failing_since: sql<Date>`coalesce(failing_since, ${rfc3339(now)}::timestamptz)`,
            last_error: error,
          },
    )
    .where("channel_id", "=", channelId)
    .execute();
}

/** The same message by another channel of the customer that works. It says why it came by that channel. */
async function tellElsewhere(
  tx: Tx,
  message: {
    alert_id: string;
    tenant: Tenant;
    customer_id: string;
    channel_id: string | null;
    change: string;
    content: AlertFacts;
  },
  now: Millis,
): Promise<void> {
  const { alert_id, tenant, customer_id, change, content } = message;
  const channels = await tx
    .selectFrom("alert_channels")
    .select(["channel_id", "kind", "target"])
    .where("tenant", "=", tenant)
    .where("verified_at", "is not", null)
    .where((eb) => eb.or([eb("failures", "=", 0), eb("channel_id", "=", message.channel_id)]))
    .orderBy("channel_id")
    .execute();
  const failing = channels.find(({ channel_id }) => channel_id === message.channel_id);
  const told = await tx
    .selectFrom("alert_messages")
    .select("channel_id")
    .where("alert_id", "=", alert_id)
    .where("change", "=", change)
    .execute();
  const others = channels.filter((each) => each !== failing);
  const other = others.find(({ channel_id }) => !told.some((each) => each.channel_id === channel_id)) ?? others[0];
  if (other === undefined || failing === undefined) return;
  await tx
    .insertInto("alert_messages")
    .values({
      message_id: newId("msg", now),
      alert_id,
      tenant,
      customer_id,
      channel_id: other.channel_id,
      change,
      content: JSON.stringify({ ...content, instead_of: `${failing.kind} ${failing.target}` } satisfies AlertFacts),
      state: "pending",
      next_attempt_at: rfc3339(now),
      created_at: rfc3339(now),
    })
    .execute();
}

/** Days that alerts are listed after they have ended: as long as the numbers by hour that they were about. */
export const ALERTS_KEPT_DAYS = KEPT_DAYS.hour;

/** Removes alerts that ended more than `ALERTS_KEPT_DAYS` ago, with their messages. @returns how many */
export async function forgetAlerts(tx: Tx, now: Millis): Promise<number> {
  const before = now - ALERTS_KEPT_DAYS * DAY_MS;
  const { numDeletedRows } = await tx
    .deleteFrom("alerts")
    // What began later can't have ended before: ids tell it without an index on the end.
    .where("alert_id", "<", `alt_${firstUlidAt(before)}`)
    .where("state", "=", "resolved")
    .where("resolved_at", "<", new Date(before))
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
