import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import {
  decodeDeliver,
  decodeIngest,
  encodeDelivery,
  encodeDrain,
  encodeIngest,
  encodeProbe,
  encodeRetry,
} from "../../../runtime/domain/codec/index.ts";
import { decodeIdentity, encodeIdentity } from "../../../runtime/domain/identity/identity.ts";
import { decodeKeyRecord, encodeKeyRecord } from "../../../runtime/domain/identity/keyRecord.ts";
import { decodeJobsMessage, encodeJobsMessage, type HourlyWork, type HourWork } from "../../../runtime/domain/job.ts";
import { decodeBatch, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { decodeCircuit, encodeCircuit } from "../../../runtime/store/circuits/circuitItem.ts";
import { decodeDeliveryItem, encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";

/**
 * During a deployment two versions of the code read what each other wrote, and after one a queue still holds up to 14 days of the former
 * version's messages, a table 90 days of its items. So what a released version wrote is kept in tests/corpus/recorded, one file a
 * version, and is read by every later one. `RECORD=<version> npm test -- recorded` writes the file of a version that is about to be
 * released; files of released versions never change.
 */
const first = "01JDGXS7G0ABCDEFGHJKMNPQRS";
const subscription_id = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
const replay_id = "rpl_01JDGXS7G0ABCDEFGHJKMNPQRV";
const tenant = "cus_01JDGXS7G0ABCDEFGHJKMNPQRW.sandbox";
const key_id = "key_01JDGXS7G0ABCDEFGHJKMNPQRX";
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const body = { inline: Buffer.from("packed events") };
const at = Date.parse("2026-11-25T10:00:00Z");
const types = ["order.created", null, "order.created"];

/** Each format that outlives the process that writes it, with a value that uses every member. */
// biome-ignore lint/suspicious/noExplicitAny: a row's decoder reads what its encoder wrote, whatever that is
const formats: Readonly<Record<string, { value: any; encode(value: any): unknown; decode(encoded: any): unknown }>> = {
  ingest: {
    value: { tenant, first, count: 3, types, key_id, key_name: "shop", body, traceparent },
    encode: encodeIngest,
    decode: decodeIngest,
  },
  "ingest in S3": {
    value: { tenant, first, count: 1, types: [null], key_id, body: { s3_key: `${tenant}/${first}` } },
    encode: encodeIngest,
    decode: decodeIngest,
  },
  delivery: {
    value: {
      kind: "delivery",
      tenant,
      subscription_id,
      first,
      count: 3,
      indexes: [0, 2],
      attempts: 0,
      types,
      body,
      repeated: true,
      expiry: 1_800_000_000,
      replay_id,
      key_name: "shop",
      traceparent,
    },
    encode: ({ kind: _, ...message }) => encodeDelivery(message),
    decode: decodeDeliver,
  },
  retry: {
    value: { kind: "retry", tenant, subscription_id, batches: [first], attempts: 3, replay_id, manual: true },
    encode: ({ kind: _, ...message }) => encodeRetry(message),
    decode: decodeDeliver,
  },
  drain: {
    value: { kind: "drain", tenant, subscription_id, pass: 2, reset: true },
    encode: ({ kind: _, ...message }) => encodeDrain(message),
    decode: decodeDeliver,
  },
  probe: {
    value: { kind: "probe", tenant, subscription_id },
    encode: ({ kind: _, ...message }) => encodeProbe(message),
    decode: decodeDeliver,
  },
  // The values are those of the first version, which had a decoder for each kind.
  job: {
    value: replay_id,
    encode: (job_id) => encodeJobsMessage({ kind: "job", job_id }),
    decode: (text) => (decodeJobsMessage(text) as { job_id: string }).job_id,
  },
  ...Object.fromEntries(
    (["reconcile", "access"] as const).map((work) => [
      work,
      {
        value: { work, hour: "2026-11-25T10:00:00.000Z", cursor: "cus_a" },
        encode: ({ work: kind, ...message }: HourWork & { work: HourlyWork }) =>
          encodeJobsMessage({ kind, ...message }),
        decode: (text: string) => {
          const { kind, ...message } = decodeJobsMessage(text);
          return { work: kind, ...message };
        },
      },
    ]),
  ),
  "put back": {
    value: { from: "2026-11-25T10:00:00.000Z", to: "2026-11-25T11:00:00.000Z", prefix: "0a", after: "events/x" },
    encode: (message) => encodeJobsMessage({ kind: "put_back", ...message }),
    decode: (text) => {
      const { kind: _, ...message } = decodeJobsMessage(text);
      return message;
    },
  },
  batch: {
    value: {
      tenant,
      first,
      count: 3,
      types,
      key_id,
      body,
      matched: { [subscription_id]: [0, 2], sub_01JDGXS7G0ABCDEFGHJKMNPQRZ: [0, 1, 2] },
      snapshot_version: 7,
      routed_at: at,
      acknowledged: { 1: at },
      deleted: [2],
      expiry: 1_800_000_000,
      key_name: "shop",
      traceparent,
    },
    encode: encodeBatch,
    decode: decodeBatch,
  },
  "delivery item": {
    value: {
      tenant,
      first,
      count: 3,
      subscription_id,
      indexes: [0, 2],
      status: "failed",
      attempts: [
        { at: "2026-11-25T10:00:00.000Z", status_code: 503, latency_ms: 12, error: "status", response_excerpt: "no" },
      ],
      next_attempt_at: at,
      swept: true,
      remaining: [2],
      group: "msg_1",
      schedule_from: 2,
      reason: "attempts_exhausted",
      replay_id,
      expiry: 1_800_000_000,
    },
    encode: encodeDeliveryItem,
    decode: decodeDeliveryItem,
  },
  circuit: {
    value: {
      tenant,
      subscription_id,
      failures: 9,
      failing_since: at,
      slow: true,
      alerted: 50,
      opened_at: at,
      next_probe_at: at + 1,
      probes: 2,
      expiry: 1_800_000_000,
    },
    encode: encodeCircuit,
    decode: decodeCircuit,
  },
  key: {
    value: {
      key_id,
      customer_id: "cus_01JDGXS7G0ABCDEFGHJKMNPQRW",
      environment: "live",
      name: "shop",
      scopes: ["events:read", "events:write"],
      status: "active",
      versions: [{ hash: "AA==", pepper_version: "1", created_at: "2026-11-25T10:00:00.000Z" }],
      expires_at: "2027-11-25T10:00:00.000Z",
      customer_limit_per_second: 1_000,
      limit_per_second: 10,
      created_at: "2026-11-25T10:00:00.000Z",
    },
    encode: encodeKeyRecord,
    decode: decodeKeyRecord,
  },
  identity: {
    value: {
      customer_id: "cus_01JDGXS7G0ABCDEFGHJKMNPQRW",
      environment: "live",
      key_id,
      key_name: "shop",
      scopes: ["events:write"],
      limit_per_second: 1_000,
      key_limit_per_second: 10,
      source_ip: "192.0.2.1",
    },
    encode: encodeIdentity,
    decode: decodeIdentity,
  },
};

/** Bytes have no place in JSON: they stand as `{ "$bytes": base64 }`. */
const toJson = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([member, item]) => [member, toJson(item)]));
};
const fromJson = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$bytes" in value) return Buffer.from(String(value.$bytes), "base64");
  return Object.fromEntries(Object.entries(value).map(([member, item]) => [member, fromJson(item)]));
};

const folder = join(import.meta.dirname, "../../corpus/recorded");
if (process.env.RECORD !== undefined) {
  const rows = Object.entries(formats).map(([name, { value, encode }]) => [
    name,
    { value: toJson(value), encoded: toJson(encode(value)) },
  ]);
  const text = `${JSON.stringify(Object.fromEntries(rows), null, 1)}\n`;
  writeFileSync(join(folder, `${process.env.RECORD}.json`), text);
}

type Recorded = Readonly<Record<string, { readonly value: unknown; readonly encoded: unknown }>>;
const files = globSync("*.json", { cwd: folder }).sort();
assert.ok(files.length > 0);

/** Members that this code calls otherwise; what is written keeps its name. */
const RENAMED: Readonly<Record<string, string>> = { expires_at: "expiry" };
function inTodaysNames(name: string, value: unknown): unknown {
  if (typeof value !== "object") return value;
  const known = Object.keys(formats[name]!.value);
  return Object.fromEntries(
    Object.entries(value as object).map(([member, item]) => {
      const today = RENAMED[member];
      return [today !== undefined && known.includes(today) ? today : member, item];
    }),
  );
}

for (const file of files) {
  const recorded = JSON.parse(readFileSync(join(folder, file), "utf8")) as Recorded;
  for (const [name, { value, encoded }] of Object.entries(recorded))
    test(`${name} as ${file.slice(0, -5)} wrote it is read`, () =>
      assert.deepEqual(toJson(formats[name]!.decode(fromJson(encoded))), inTodaysNames(name, value)));
}

test("every format is in a recording", () => {
  const names = files.flatMap((file) => Object.keys(JSON.parse(readFileSync(join(folder, file), "utf8")) as Recorded));
  assert.deepEqual(
    Object.keys(formats).filter((name) => !names.includes(name)),
    [],
  );
});

/** The same with a member more, as a later version might write it. */
function withMore(encoded: unknown): unknown {
  if (typeof encoded !== "string") return { ...(encoded as object), later: { S: "unknown" } };
  if (!encoded.startsWith("{")) {
    const text = Buffer.from(encoded, "base64url").toString("utf8");
    return Buffer.from(text.replace(/}$/, ',"later":"unknown"}')).toString("base64url");
  }
  const [header, ...rest] = encoded.split("\n");
  return [header!.replace(/}$/, ',"later":"unknown"}'), ...rest].join("\n");
}

for (const [name, { value, encode, decode }] of Object.entries(formats))
  test(`${name} with a member that a later version adds is read by this one`, () => {
    // Identities are taken as they are, with what else the edge may say one day.
    const more = name === "identity" ? { later: "unknown" } : {};
    assert.deepEqual(decode(withMore(encode(value))), typeof value === "string" ? value : { ...value, ...more });
  });

test.run();
