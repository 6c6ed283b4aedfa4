import { createHash } from "node:crypto";
import { CreateTableCommand, DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Item } from "../../runtime/domain/codec/fields.ts";
import { pack } from "../../runtime/domain/codec/pack.ts";
import { newUlid } from "../../runtime/domain/ids.ts";
import { type BatchItem, encodeBatch } from "../../runtime/store/batches/batchItem.ts";
import { type DeliveryItem, encodeDeliveryItem } from "../../runtime/store/deliveries/deliveryItem.ts";
import type { Store } from "../../runtime/store/table.ts";
import { openDynamodb } from "./dynamodb.ts";

/** The tables in a DynamoDB stand-in of this process, and an S3 of two commands in memory. */
export interface Storage {
  readonly store: Store;
  /** The client of its tables. */
  readonly dynamodb: DynamoDBClient;
  /** Objects by `<bucket>/<key>`. */
  readonly objects: Map<string, Uint8Array>;
  put(item: Item): Promise<void>;
  /** Takes an item away, as expiry does. */
  remove(item: Item): Promise<void>;
  close(): Promise<void>;
}

const etagOf = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** The few S3 commands our functions use, over a map. */
export function memoryS3(objects: Map<string, Uint8Array>): S3Client {
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    const { Bucket, Key, Body, Prefix } = command.input as Record<string, string>;
    const at = `${Bucket}/${Key}`;
    switch (command.constructor.name) {
      case "GetObjectCommand": {
        const bytes = objects.get(at);
        if (bytes === undefined) throw Object.assign(new Error("no such key"), { name: "NoSuchKey" });
        return { Body: { transformToByteArray: async () => bytes }, ETag: etagOf(bytes) };
      }
      case "PutObjectCommand":
        if (command.input.IfNoneMatch === "*" && objects.has(at))
          throw Object.assign(new Error("there is one"), { name: "PreconditionFailed" });
        if (command.input.IfMatch !== undefined && !objects.has(at))
          throw Object.assign(new Error("no such key"), { name: "NoSuchKey" });
        if (command.input.IfMatch !== undefined && etagOf(objects.get(at)!) !== command.input.IfMatch)
          throw Object.assign(new Error("it has changed"), { name: "PreconditionFailed" });
        objects.set(at, Buffer.from(Body as string | Uint8Array));
        return {};
      case "DeleteObjectCommand":
        objects.delete(at);
        return {};
      case "ListObjectsV2Command": {
        const keys = [...objects.keys()].filter((key) => key.startsWith(`${Bucket}/${Prefix ?? ""}`)).sort();
        const after = (command.input.ContinuationToken ?? command.input.StartAfter) as string | undefined;
        const max = (command.input.MaxKeys as number | undefined) ?? 1_000;
        const rest = keys
          .map((key) => key.slice(Bucket!.length + 1))
          .filter((key) => after === undefined || key > after);
        const page = rest.slice(0, max);
        return {
          Contents: page.map((key) => ({ Key: key, Size: objects.get(`${Bucket}/${key}`)!.length })),
          ...(rest.length > max ? { IsTruncated: true, NextContinuationToken: page.at(-1) } : {}),
        };
      }
      default:
        throw new Error(`the S3 of this test knows no ${command.constructor.name}`);
    }
  };
  return { send } as unknown as S3Client;
}

/** The `events` and `metrics` tables with their indexes, as the program declares them. */
export async function createDataTables(dynamodb: DynamoDBClient): Promise<void> {
  const key = (name: string, type: "HASH" | "RANGE") => ({ AttributeName: name, KeyType: type });
  const index = (name: string, hash: string, range: string, ProjectionType: "ALL" | "KEYS_ONLY") => ({
    IndexName: name,
    KeySchema: [key(hash, "HASH"), key(range, "RANGE")],
    Projection: { ProjectionType },
  });
  await dynamodb.send(
    new CreateTableCommand({
      TableName: "events",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
        { AttributeName: "state_pk", AttributeType: "S" },
        { AttributeName: "due_pk", AttributeType: "S" },
        { AttributeName: "next_attempt_at", AttributeType: "N" },
      ],
      KeySchema: [key("pk", "HASH"), key("sk", "RANGE")],
      GlobalSecondaryIndexes: [
        index("by_state", "state_pk", "sk", "KEYS_ONLY"),
        index("due", "due_pk", "next_attempt_at", "ALL"),
      ],
    }),
  );
  await dynamodb.send(
    new CreateTableCommand({
      TableName: "metrics",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      KeySchema: [key("pk", "HASH"), key("sk", "RANGE")],
    }),
  );
}

export async function openStorage(): Promise<Storage> {
  const dynamodb = openDynamodb();
  await createDataTables(dynamodb);
  const objects = new Map<string, Uint8Array>();
  return {
    store: { events: { dynamodb, name: "events" }, s3: memoryS3(objects), payloadBucket: "payloads" },
    dynamodb,
    objects,
    async put(item) {
      await dynamodb.send(new PutItemCommand({ TableName: "events", Item: item }));
    },
    async remove({ pk, sk }) {
      await dynamodb.send(new DeleteItemCommand({ TableName: "events", Key: { pk: pk!, sk: sk! } }));
    },
    async close() {
      dynamodb.destroy();
    },
  };
}

/** A batch of these payloads, as the router stores it. @param at milliseconds at which it was accepted */
export function batchOf(
  tenant: string,
  payloads: readonly object[],
  at: number,
  more: Partial<BatchItem> = {},
): BatchItem {
  const raws = payloads.map((payload) => Buffer.from(JSON.stringify(payload)));
  return {
    tenant,
    first: newUlid(at, payloads.length),
    count: payloads.length,
    types: payloads.map((payload) => (payload as { event_type?: string }).event_type ?? null),
    key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    body: { inline: pack(raws) },
    matched: {},
    snapshot_version: 1,
    routed_at: at,
    acknowledged: {},
    deleted: [],
    expiry: Math.floor(Date.now() / 1_000) + 86_400,
    ...more,
  };
}

/** A delivery of all that the batch matched for a subscription. */
export const deliveryOf = (batch: BatchItem, subscriptionId: string, more: Partial<DeliveryItem>): DeliveryItem => ({
  tenant: batch.tenant,
  first: batch.first,
  count: batch.count,
  subscription_id: subscriptionId,
  indexes: batch.matched[subscriptionId] ?? Array.from({ length: batch.count }, (_, i) => i),
  status: "delivered",
  attempts: [],
  expiry: batch.expiry,
  ...more,
});

export const batchItem = encodeBatch;
export const deliveryItem = encodeDeliveryItem;
