import assert from "node:assert/strict";
import type { SQSRecord } from "aws-lambda";
import { givingBack } from "../../../runtime/aws/giveBack.ts";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import {
  type DeliveryMessage,
  decodeDeliver,
  encodeIngest,
  type IngestMessage,
} from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import type { Erasure } from "../../../runtime/domain/job.ts";
import type { News } from "../../../runtime/domain/live.ts";
import type { EventSelector, RoutedSubscription } from "../../../runtime/domain/subscription.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { buildMatcher } from "../../../runtime/matching/index.ts";
import { type RoutePorts, route } from "../../../runtime/route/route.ts";
import type { BatchItem } from "../../../runtime/store/batches/batchItem.ts";

/** Route between maps in place of AWS, and a clock that only moves when told. */
export const TENANT = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
export const START = Date.parse("2026-11-25T04:00:00Z");

export function makeWorld(selectors: Readonly<Record<string, EventSelector>>) {
  const stored = new Map<string, BatchItem>();
  const deliveries: DeliveryMessage[] = [];
  const archived: { event_id: string }[] = [];
  const facts: UsageFact[] = [];
  const logs: string[] = [];
  const reopened: string[] = [];
  const sentBack: Outgoing[] = [];
  const costly: { tenant: string; events: number; ids: string[] }[] = [];
  const dead: string[] = [];
  /** What those who watch were told, a list for each call. */
  const told: (readonly News[])[] = [];
  const watched = new Set<string>();
  const erasures: Erasure[] = [];
  const payloads = new Map<string, Buffer>();
  const fails = new Set<string>();
  let clock = START;
  let version = 7;
  let ids = 0;
  const subscriptions = new Map<string, RoutedSubscription>(
    Object.entries(selectors).map(([id, event_selector]) => [id, { subscription_id: id, version: 1, event_selector }]),
  );
  const strike = (step: string) => {
    if (fails.delete(step)) throw new Error(`${step} failed`);
  };
  const ports: RoutePorts = {
    now: () => clock,
    log: (_, message, fields) => logs.push(`${message} ${JSON.stringify(fields)}`),
    snapshots: {
      get: async (tenant) => {
        strike("snapshot");
        const matcher = buildMatcher(subscriptions.values());
        return {
          tenant,
          version,
          retention_days: 30,
          watched: watched.has(tenant),
          matcher,
          erasures,
          byType: new Map(),
        };
      },
    },
    fetchBody: async (key) => payloads.get(key),
    putPayload: async (key, packed) => void payloads.set(key, packed),
    async removePayload(key) {
      strike("remove");
      payloads.delete(key);
    },
    async storeNew(batches) {
      strike("store");
      assert.equal(
        new Set(batches.map(({ first }) => first)).size,
        batches.length,
        "one call refuses the same key twice",
      );
      for (const batch of batches) stored.set(batch.first, batch);
    },
    async removeLowWater(tenant) {
      strike("mark");
      reopened.push(tenant);
    },
    async storeAgain(batch) {
      strike("store");
      const before = stored.get(batch.first);
      if (before === undefined) stored.set(batch.first, batch);
      return before;
    },
    async queue(messages) {
      if (fails.delete("queue")) return messages.map((_, at) => (at === 0 ? new Error("queue failed") : undefined));
      for (const { text } of messages) {
        const { kind, ...delivery } = decodeDeliver(text);
        assert.equal(kind, "delivery");
        deliveries.push(delivery as DeliveryMessage);
      }
      return messages.map(() => undefined);
    },
    async archive(entries) {
      if (fails.delete("archive")) return entries.map(() => new Error("archive failed"));
      for (const { records } of entries)
        for (const record of records) archived.push(...JSON.parse(record.toString("utf8")).events);
      return entries.map(() => undefined);
    },
    async countUsage(all) {
      strike("usage");
      facts.push(...all);
    },
    storedCount: async (_, first) => stored.get(first)?.count,
    async sendBack(messages) {
      if (fails.delete("send back")) return messages.map(() => new Error("send back failed"));
      sentBack.push(...messages);
      return messages.map(() => undefined);
    },
    async tellCostly(tenant, events, units) {
      costly.push({ tenant, events, ids: units.map(([id]) => id) });
    },
    tell: async (news) => void told.push(news),
    giveBack: givingBack({
      log: () => {},
      dice: () => 0,
      hide: async () => {},
      async bury(damaged) {
        dead.push(...damaged.map(({ messageId }) => messageId));
        return damaged.map(() => undefined);
      },
    }),
  };
  return {
    ...{ sentBack, costly, ports, told, watched },
    ...{ stored, deliveries, archived, facts, reopened, dead, logs, fails, subscriptions, erasures, payloads },
    /** The phases that its log lines name. */
    failedAt: (): string[] =>
      logs.flatMap((line) => (line.startsWith("route.failed ") ? JSON.parse(line.slice(13)).phase : [])),
    advance: (ms: number) => {
      clock += ms;
    },
    moveVersion: () => {
      version += 1;
    },
    message(payloads: readonly object[], more: Partial<IngestMessage> = {}): SQSRecord {
      ids += 1;
      const types = payloads.map((payload) => (payload as { event_type?: string }).event_type ?? null);
      const body = encodeIngest({
        ...{ tenant: TENANT, first: newUlid(clock, payloads.length), count: payloads.length, types, key_id: "key_1" },
        body: { inline: pack(payloads.map((payload) => Buffer.from(JSON.stringify(payload)))) },
        ...more,
      });
      return { messageId: `m${ids}`, body, attributes: { ApproximateReceiveCount: "1" } } as SQSRecord;
    },
    again: (record: SQSRecord, receives = 2): SQSRecord => ({
      ...record,
      attributes: { ...record.attributes, ApproximateReceiveCount: String(receives) },
    }),
    /** What was sent back, as it comes again. */
    takeBack(): SQSRecord[] {
      return sentBack.splice(0).map(({ text }) => {
        ids += 1;
        return { messageId: `m${ids}`, body: text, attributes: { ApproximateReceiveCount: "1" } } as SQSRecord;
      });
    },
    async route(...Records: SQSRecord[]): Promise<string[]> {
      return (await route({ Records }, ports)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
  };
}
