import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import dynalite from "dynalite";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { authorizationsOf, tableNames } from "./dynamodb/authorization.ts";
import { sweepExpired } from "./dynamodb/expiry.ts";
import { readJsonCall } from "./jsonProtocol.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Inputs,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/**
 * Amazon DynamoDB on one machine: dynalite over LevelDB in the state folder, called in process through the request listener it hands
 * to `http.Server`. LevelDB writes go to the operating system before they are answered, so SIGKILL loses none. Replicas of a table share it.
 * Without transactions, streams, global-index consistency lag or throttling.
 */
const EXPIRY_CHECK_MS = 60_000;

export interface DynamoService extends LocalService {
  /** One call of the JSON protocol without HTTP or permissions: `request("PutItem", {…})`. @throws ServiceError */
  request(action: string, args: unknown): Promise<Record<string, unknown>>;
}

interface Table {
  readonly name: string;
  readonly expiry?: string;
}

/** A request and a response of `node:http`, as far as dynalite reads and writes them. */
class Exchange extends EventEmitter {
  readonly method = "POST";
  readonly url = "/";
  readonly headers: Record<string, string | undefined>;
  statusCode = 200;
  readonly #answered: (answer: ApiAnswer) => void;
  readonly #sent: Record<string, string> = {};

  constructor(headers: Record<string, string | undefined>, answered: (answer: ApiAnswer) => void) {
    super();
    this.headers = headers;
    this.#answered = answered;
  }

  setHeader(name: string, value: string | number): void {
    this.#sent[name.toLowerCase()] = String(value);
  }

  end(body: string | Buffer): void {
    this.#answered({ status: this.statusCode, headers: this.#sent, body });
  }
}

const SIGNED =
  "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

export async function createDynamodb(context: LocalContext, clock: Clock = systemClock): Promise<DynamoService> {
  const path = join(context.state, "dynamodb");
  mkdirSync(path, { recursive: true });
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const tables = new Map<string, Table>();

  function send(target: string, body: Buffer): Promise<ApiAnswer> {
    return new Promise((resolve) => {
      const headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": target,
        "x-amz-date": "20000101T000000Z",
        authorization: SIGNED,
      };
      const exchange = new Exchange(headers, resolve);
      server.emit("request", exchange, exchange);
      exchange.emit("data", body);
      exchange.emit("end");
    });
  }

  async function request(action: string, args: unknown): Promise<Record<string, unknown>> {
    const answer = await send(`DynamoDB_20120810.${action}`, Buffer.from(JSON.stringify(args)));
    const value = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    if (answer.status === 200) return value;
    const code = String(value.__type).split("#").at(-1)!;
    throw new ServiceError(code, String(value.message ?? value.Message ?? code), answer.status);
  }

  async function createTable(declared: ResourceRequest) {
    const { inputs } = declared;
    onlySupports(
      declared,
      "name billingMode readCapacity writeCapacity hashKey rangeKey attributes globalSecondaryIndexes localSecondaryIndexes ttl pointInTimeRecovery serverSideEncryption deletionProtectionEnabled replicas tableClass onDemandThroughput streamEnabled streamViewType",
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
    const ttl = list(inputs.ttl)[0];
    tables.set(name, {
      name,
      ...(ttl?.enabled === false || ttl === undefined ? {} : { expiry: String(ttl.attributeName) }),
    });
    const arn = `arn:aws:dynamodb:${regionOf(declared, context)}:${context.accountId}:table/${name}`;
    return { id: name, state: { ...inputs, name, id: name, arn, streamArn: "", streamLabel: "" } };
  }

  async function ensureTable(schema: { readonly TableName: string }): Promise<void> {
    const wanted = JSON.stringify(schema);
    try {
      const { Table: found } = (await request("DescribeTable", { TableName: schema.TableName })) as { Table: Inputs };
      const differs = differenceOf(schema as unknown as Inputs, found);
      if (differs !== undefined)
        throw new Error(
          `the table ${schema.TableName} in ${path} has another ${differs} than is declared (${wanted}); start with --fresh`,
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

  let stopped = false;
  let cancel = clock.at(clock.now() + EXPIRY_CHECK_MS, expire);
  async function expire(): Promise<void> {
    for (const { name, expiry } of tables.values()) {
      if (expiry === undefined || stopped) continue;
      const removed = await sweepExpired(request, name, expiry, Math.floor(clock.now() / 1000));
      if (removed > 0) context.log(`table ${name}: ${removed} items expired`);
    }
    if (!stopped) cancel = clock.at(clock.now() + EXPIRY_CHECK_MS, expire);
  }

  return {
    request,
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
      call: async (call: ApiCall) => {
        // Unknown tables are refused by name before dynalite does; it also parses the body, once more.
        for (const name of tableNames(readJsonCall(call))) if (!tables.has(name)) return missingTable(name);
        return send(call.headers["x-amz-target"] ?? "", call.body);
      },
    },
    async close() {
      stopped = true;
      cancel();
      await new Promise<void>((resolve) => server.close(() => resolve()));
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

/** What of a table's keys and indexes is not as declared, if anything: LevelDB's contents would not fit it. */
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

const missingTable = (name: string): ApiAnswer => ({
  status: 400,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: JSON.stringify({
    __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
    message: `Requested resource not found: Table: ${name} not found`,
  }),
});
