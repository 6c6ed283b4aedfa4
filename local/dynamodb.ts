import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ACCOUNT_QUOTAS } from "./account.ts";
import { threadEnvironment } from "./cache.ts";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { authorizationsOf } from "./dynamodb/authorization.ts";
import { type Hashes, Throughput } from "./dynamodb/throughput.ts";
import type { DynamoReply, DynamoTask, DynamoWorkerData } from "./dynamodb/worker.ts";
import { checkDatabase } from "./integrity.ts";
import {
  type ApiAnswer,
  type Inputs,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/**
 * Amazon DynamoDB on one machine: what dynalite knows of it, over SQLite, in a thread of its own. Replicas of a table share it. Without
 * transactions, streams, or a lag of global indexes; throttled under an account's quotas alone.
 */
const EXPIRY_CHECK_MS = 60_000;
/** DynamoDB leaves alone what expired more than five years ago, taking it for a mistake. */
const TOO_OLD_SECONDS = 5 * 365 * 24 * 3600;

export interface DynamoService extends LocalService {
  /** One call of the JSON protocol without HTTP or permissions: `request("PutItem", {…})`. @throws ServiceError */
  request(action: string, args: unknown): Promise<Record<string, unknown>>;
  /** Deletes what has expired, now. @returns how many items went */
  expire(): Promise<number>;
  /** Leaves nothing of deleted items in the state's files. */
  scrub(): Promise<void>;
}

const HEADERS = { "content-type": "application/x-amz-json-1.0" };

type Task = DynamoTask extends infer T ? (T extends unknown ? Omit<T, "id"> : never) : never;

export async function createDynamodb(context: LocalContext, clock: Clock = systemClock): Promise<DynamoService> {
  const folder = join(context.state, "dynamodb");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "store.sqlite");
  checkDatabase(file, {
    what: "the tables",
    withoutIt:
      'the job function\'s { "op": "put_back" } puts events back from the archive, without what became of their deliveries',
    log: context.log,
  });
  const worker = new Worker(new URL("./dynamodb/worker.ts", import.meta.url), {
    name: "dynamodb",
    workerData: {
      file,
      accountId: context.accountId,
      region: context.region,
      background: context.acceptFirst === true,
    } satisfies DynamoWorkerData,
    env: threadEnvironment(),
  });
  /** Expiry attribute by table; undefined where items stay. */
  const tables = new Map<string, string | undefined>();
  const hashes = new Map<string, Hashes>();
  const throughput =
    context.account === undefined
      ? undefined
      : new Throughput(context.account, hashes, (TableName, write) =>
          context.metrics?.record("AWS/DynamoDB", `${write ? "Write" : "Read"}ThrottleEvents`, { TableName }, 1),
        );
  const waiting = new Map<number, (reply: DynamoReply) => void>();
  let last = 0;
  /** What every call is answered once the thread has ended by a fault. */
  let stopped: string | undefined;
  worker.on("message", (replies: readonly DynamoReply[]) => {
    for (const reply of replies) {
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    }
  });
  worker.on("error", (cause) => {
    context.log(`DynamoDB's stand-in has stopped: ${cause.stack ?? cause.message}`);
    stopped = JSON.stringify({ __type: "InternalServerError", message: cause.message });
    for (const [id, answer] of waiting) answer({ id, status: 500, body: stopped });
    waiting.clear();
  });

  function post(task: Task): Promise<DynamoReply> {
    last += 1;
    const id = last;
    return new Promise((resolve) => {
      if (stopped !== undefined) {
        resolve({ id, status: 500, body: stopped });
        return;
      }
      waiting.set(id, resolve);
      worker.postMessage({ id, ...task });
    });
  }

  async function send(target: string, body: Uint8Array): Promise<ApiAnswer> {
    const reply = await post({ action: target.slice(target.lastIndexOf(".") + 1), body });
    const { status, body: answered } = reply;
    const bytes =
      typeof answered === "string" ? answered : Buffer.from(answered.buffer, answered.byteOffset, answered.byteLength);
    return { status, headers: HEADERS, body: bytes };
  }

  async function request(action: string, args: unknown): Promise<Record<string, unknown>> {
    const answer = await send(action, Buffer.from(JSON.stringify(args)));
    const value = JSON.parse(String(answer.body)) as Record<string, unknown>;
    if (answer.status === 200) return value;
    const code = String(value.__type).split("#").at(-1)!;
    throw new ServiceError(code, String(value.message ?? value.Message ?? code), answer.status);
  }

  async function createTable(declared: ResourceRequest) {
    const { inputs } = declared;
    onlySupports(
      declared,
      "name billingMode readCapacity writeCapacity hashKey rangeKey attributes globalSecondaryIndexes localSecondaryIndexes ttl pointInTimeRecovery serverSideEncryption deletionProtectionEnabled replicas tableClass onDemandThroughput streamEnabled streamViewType warmThroughput",
    );
    const name = physicalName(declared);
    const hashKey = optional(inputs, "hashKey", "string");
    if (hashKey === undefined) throw new Error(`${declared.type} "${declared.name}" needs the argument "hashKey"`);
    const schema = {
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: list(inputs.attributes).map(({ name: attribute, type }) => ({
        AttributeName: attribute,
        AttributeType: type,
      })),
      KeySchema: keySchema(inputs),
      ...indexes("GlobalSecondaryIndexes", list(inputs.globalSecondaryIndexes)),
      ...indexes(
        "LocalSecondaryIndexes",
        list(inputs.localSecondaryIndexes).map((index) => ({ ...index, hashKey })),
      ),
    };
    await ensureTable(schema);
    hashes.set(name, {
      table: hashKey,
      indexes: new Map(
        list(inputs.globalSecondaryIndexes).map((index) => [
          String(index.name),
          {
            hash: keySchema(index).find(({ KeyType }) => KeyType === "HASH")?.AttributeName as string,
            whole: (index.projectionType ?? "ALL") === "ALL",
          },
        ]),
      ),
    });
    warm(name, inputs);
    for (const index of list(inputs.globalSecondaryIndexes)) warm(`${name}/${String(index.name)}`, index);
    const ttl = list(inputs.ttl)[0];
    const attribute = ttl === undefined || ttl.enabled === false ? undefined : String(ttl.attributeName);
    tables.set(name, attribute);
    await post({ expiry: { table: name, attribute } });
    const arn = `arn:aws:dynamodb:${regionOf(declared, context)}:${context.accountId}:table/${name}`;
    return { id: name, state: { ...inputs, name, id: name, arn, streamArn: "", streamLabel: "" } };
  }

  /** What a table or index serves from the first second on. @throws Error for less than every new table serves */
  function warm(place: string, { warmThroughput }: Inputs): void {
    const { writeUnitsPerSecond, readUnitsPerSecond } = (list(warmThroughput)[0] ?? {}) as Record<string, number>;
    for (const [quota, units] of [
      ["tableWarmWriteUnits", writeUnitsPerSecond],
      ["tableWarmReadUnits", readUnitsPerSecond],
    ] as const) {
      if (units === undefined) continue;
      if (units < ACCOUNT_QUOTAS[quota])
        throw new Error(
          `warm throughput of ${place} is ${units}, and DynamoDB takes none below ${ACCOUNT_QUOTAS[quota]}`,
        );
      context.account?.raise(quota, place, units);
    }
  }

  async function ensureTable(schema: { readonly TableName: string }): Promise<void> {
    const wanted = JSON.stringify(schema);
    try {
      const { Table: found } = (await request("DescribeTable", { TableName: schema.TableName })) as { Table: Inputs };
      const differs = differenceOf(schema as unknown as Inputs, found);
      if (differs !== undefined)
        throw new Error(
          `the table ${schema.TableName} in ${folder} has another ${differs} than is declared (${wanted}); start with --fresh`,
        );
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) throw thrown;
      await request("CreateTable", schema);
      for (;;) {
        const { Table: table } = (await request("DescribeTable", { TableName: schema.TableName })) as { Table: Inputs };
        if (table.TableStatus === "ACTIVE") break;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }

  async function expire(): Promise<number> {
    const now = Math.floor(clock.now() / 1000);
    let sum = 0;
    for (const [table, attribute] of tables) {
      if (attribute === undefined) continue;
      const removed = Number((await post({ sweep: { table, old: now - TOO_OLD_SECONDS, now } })).body);
      if (removed > 0) context.log(`table ${table}: ${removed} items expired`);
      sum += removed;
    }
    return sum;
  }
  const later = (): (() => void) =>
    clock.at(clock.now() + EXPIRY_CHECK_MS, () => {
      void expire();
      cancel = later();
    });
  let cancel = later();

  return {
    request,
    expire,
    async scrub() {
      await post({ scrub: true });
    },
    resources: {
      "aws:dynamodb/table:Table": createTable,
      "aws:dynamodb/tableReplica:TableReplica": async ({ name, inputs }) => {
        const arn = String(inputs.globalTableArn).replace(
          /^arn:aws:dynamodb:[^:]*/,
          `arn:aws:dynamodb:${optional(inputs, "region", "string") ?? context.region}`,
        );
        return { id: name, state: { ...inputs, arn } };
      },
      "aws:dynamodb/resourcePolicy:ResourcePolicy": async ({ inputs }) => ({
        id: String(inputs.resourceArn),
        state: { ...inputs },
      }),
    },
    api: {
      name: "dynamodb",
      authorizations: (call) => authorizationsOf(call, context.accountId),
      call: (call) =>
        throughput === undefined ? send(call.headers["x-amz-target"] ?? "", call.body) : throughput.meter(call, send),
    },
    async close() {
      cancel();
      await post({ close: true });
    },
  };
}

/** Keys are declared as `hashKey` and `rangeKey`, or as `keySchemas`. */
function keySchema({ hashKey, rangeKey, keySchemas }: Inputs) {
  const listed = list(keySchemas).map(({ attributeName, keyType }) => ({
    AttributeName: attributeName,
    KeyType: keyType,
  }));
  if (listed.length > 0) return listed.sort((a) => (a.KeyType === "HASH" ? -1 : 1));
  return [
    { AttributeName: hashKey, KeyType: "HASH" },
    ...(rangeKey === undefined || rangeKey === null ? [] : [{ AttributeName: rangeKey, KeyType: "RANGE" }]),
  ];
}

const indexes = (member: string, declared: readonly Inputs[]) =>
  declared.length === 0
    ? {}
    : {
        [member]: declared.map((index) => ({
          IndexName: index.name,
          KeySchema: keySchema(index),
          Projection: {
            ProjectionType: index.projectionType ?? "ALL",
            ...(list(index.nonKeyAttributes).length === 0 ? {} : { NonKeyAttributes: index.nonKeyAttributes }),
          },
        })),
      };

/** What of a table's keys and indexes is not as declared, if anything: what is stored would not fit it. */
function differenceOf(wanted: Inputs, found: Inputs): string | undefined {
  const shape = (value: unknown) =>
    JSON.stringify(
      list(value)
        .map(({ IndexName, KeySchema, AttributeName, KeyType }) => ({ IndexName, KeySchema, AttributeName, KeyType }))
        .sort((a, b) => String(a.IndexName).localeCompare(String(b.IndexName))),
    );
  return ["KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"].find(
    (member) => shape(wanted[member]) !== shape(found[member]),
  );
}
