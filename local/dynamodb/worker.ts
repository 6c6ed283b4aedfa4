import { parentPort, workerData } from "node:worker_threads";
import { collectWhenIdle } from "../idleHeap.ts";
import { stepBack } from "../priority.ts";
import { isKnown, perform, type Refusal } from "./dynalite.ts";
import { WholePage } from "./queryTable.ts";
import { SqliteStore } from "./storage.ts";

/**
 * DynamoDB's stand-in in a thread of its own. Answers leave together at the end of a turn of the event loop, after the one commit
 * that makes all of the turn's changes durable.
 */
export interface DynamoWorkerData {
  readonly file: string;
  readonly accountId: string;
  readonly region: string;
  /** Whether the thread waits for others where processors are short. */
  readonly background: boolean;
}
export type DynamoTask =
  | { readonly id: number; readonly action: string; readonly body: Uint8Array }
  | { readonly id: number; readonly expiry: { readonly table: string; readonly attribute: string | undefined } }
  | { readonly id: number; readonly sweep: { readonly table: string; readonly old: number; readonly now: number } }
  | { readonly id: number; readonly scrub: true }
  | { readonly id: number; readonly close: true };
export interface DynamoReply {
  readonly id: number;
  readonly status: number;
  readonly body: string | Uint8Array;
}

/** Answers from this length on go over without being copied. */
const TRANSFERRED_LENGTH = 4096;

const SWEPT_AT_ONCE = 1000;

const { file, accountId, region, background } = workerData as DynamoWorkerData;
if (background) stepBack();
collectWhenIdle();
const port = parentPort!;
const store = new SqliteStore(file, { accountId, region });
const encoder = new TextEncoder();
let replies: DynamoReply[] = [];
let scheduled = false;

function reply(id: number, status: number, body: string): void {
  replies.push({ id, status, body });
  if (scheduled) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    const leaving = replies;
    replies = [];
    try {
      store.commit();
      const transferred: ArrayBuffer[] = [];
      port.postMessage(
        leaving.map((one) => (one.body.length < TRANSFERRED_LENGTH ? one : moved(one, transferred))),
        transferred,
      );
    } catch (thrown) {
      const failed = JSON.stringify({
        __type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
        message: String(thrown),
      });
      port.postMessage(leaving.map(({ id: one }) => ({ id: one, status: 500, body: failed })));
    }
  });
}

function moved({ id, status, body }: DynamoReply, transferred: ArrayBuffer[]): DynamoReply {
  const bytes = encoder.encode(String(body));
  transferred.push(bytes.buffer);
  return { id, status, body: bytes };
}

function refuse(id: number, thrown: unknown): void {
  const { statusCode, body } = thrown as Partial<Refusal>;
  if (statusCode !== undefined) reply(id, statusCode, JSON.stringify(body));
  else
    reply(
      id,
      500,
      JSON.stringify({
        __type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
        message: String((thrown as Error).stack),
      }),
    );
}

function call(id: number, action: string, bytes: Uint8Array): void {
  if (!isKnown(action)) {
    reply(
      id,
      400,
      JSON.stringify({
        __type: "com.amazon.coral.service#UnknownOperationException",
        message: `The local platform does not answer dynamodb:${action}.`,
      }),
    );
    return;
  }
  let args: unknown;
  try {
    args = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    reply(id, 400, JSON.stringify({ __type: "com.amazon.coral.service#SerializationException" }));
    return;
  }
  try {
    perform(store, action, args, (error, value) => {
      if (error) refuse(id, error);
      else reply(id, 200, value instanceof WholePage ? value.json() : JSON.stringify(value));
    });
  } catch (thrown) {
    refuse(id, thrown);
  }
}

/** Deletes what expired, as DynamoDB's background process does. Answers how many items went. */
function sweep(id: number, { table, old, now }: { table: string; old: number; now: number }): void {
  let removed = 0;
  store.getTable(table, false, (error, description) => {
    if (error) {
      refuse(id, error);
      return;
    }
    for (;;) {
      const items = store.expired(table, old, now, SWEPT_AT_ONCE);
      for (const item of items) {
        const Key = Object.fromEntries(
          description!.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]),
        );
        perform(store, "DeleteItem", { TableName: table, Key }, () => {});
      }
      removed += items.length;
      if (items.length < SWEPT_AT_ONCE) break;
    }
    reply(id, 200, String(removed));
  });
}

port.on("message", (task: DynamoTask) => {
  if ("action" in task) call(task.id, task.action, task.body);
  else if ("sweep" in task) sweep(task.id, task.sweep);
  else if ("expiry" in task) {
    store.setExpiry(task.expiry.table, task.expiry.attribute);
    reply(task.id, 200, "");
  } else if ("scrub" in task) {
    store.scrub();
    reply(task.id, 200, "");
  } else {
    store.close();
    port.postMessage([{ id: task.id, status: 200, body: "" } satisfies DynamoReply]);
    port.close();
  }
});
