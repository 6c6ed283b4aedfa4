import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ACCOUNT_QUOTAS } from "./account.ts";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { authorizationsOf } from "./dynamodb/authorization.ts";
import { differenceOf, hashesOf, type TableSchema, tableSchema } from "./dynamodb/declared.ts";
import { DynamoThread } from "./dynamodb/thread.ts";
import { type Hashes, Throughput } from "./dynamodb/throughput.ts";
import { checkDatabase } from "./integrity.ts";
import { type Inputs, type LocalContext, type LocalService, type ResourceRequest, ServiceError } from "./service.ts";

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

export async function createDynamodb(context: LocalContext, clock: Clock = systemClock): Promise<DynamoService> {
  const folder = join(context.state, "dynamodb");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "store.sqlite");
  checkDatabase(file, {
    what: "the tables",
    withoutIt:
      'the retain function\'s { "op": "put_back" } puts events back from the archive, without what became of their deliveries',
    log: context.log,
  });
  const thread = new DynamoThread(context, file);
  /** Expiry attribute by table; undefined where items stay. */
  const tables = new Map<string, string | undefined>();
  const hashes = new Map<string, Hashes>();
  const throughput =
    context.account === undefined
      ? undefined
      : new Throughput(context.account, hashes, (TableName, write) =>
          context.metrics?.record("AWS/DynamoDB", `${write ? "Write" : "Read"}ThrottleEvents`, { TableName }, 1),
        );

  async function createTable(declared: ResourceRequest) {
    const { inputs } = declared;
    onlySupports(
      declared,
      "name billingMode readCapacity writeCapacity hashKey rangeKey attributes globalSecondaryIndexes localSecondaryIndexes ttl pointInTimeRecovery serverSideEncryption deletionProtectionEnabled replicas tableClass onDemandThroughput streamEnabled streamViewType warmThroughput",
    );
    const name = physicalName(declared);
    await ensureTable(tableSchema(declared, name));
    hashes.set(name, hashesOf(inputs));
    warm(name, inputs);
    for (const index of list(inputs.globalSecondaryIndexes)) warm(`${name}/${String(index.name)}`, index);
    const ttl = list(inputs.ttl)[0];
    const attribute = ttl === undefined || ttl.enabled === false ? undefined : String(ttl.attributeName);
    tables.set(name, attribute);
    await thread.post({ expiry: { table: name, attribute } });
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

  async function ensureTable(schema: TableSchema): Promise<void> {
    const wanted = JSON.stringify(schema);
    try {
      const { Table: found } = (await thread.request("DescribeTable", { TableName: schema.TableName })) as {
        Table: Inputs;
      };
      const differs = differenceOf(schema, found);
      if (differs !== undefined)
        throw new Error(
          `the table ${schema.TableName} in ${folder} has another ${differs} than is declared (${wanted}); start with --fresh`,
        );
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) throw thrown;
      await thread.request("CreateTable", schema);
      for (;;) {
        const { Table: table } = (await thread.request("DescribeTable", { TableName: schema.TableName })) as {
          Table: Inputs;
        };
        if (table.TableStatus === "ACTIVE") break;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }

  const send = (target: string, body: Uint8Array) => thread.send(target, body);

  async function expire(): Promise<number> {
    const now = Math.floor(clock.now() / 1000);
    let sum = 0;
    for (const [table, attribute] of tables) {
      if (attribute === undefined) continue;
      const removed = Number((await thread.post({ sweep: { table, old: now - TOO_OLD_SECONDS, now } })).body);
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
    request: (action, args) => thread.request(action, args),
    expire,
    async scrub() {
      await thread.post({ scrub: true });
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
      await thread.post({ close: true });
    },
  };
}
