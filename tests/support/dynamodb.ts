/**
 * A DynamoDB in this process for unit tests: the local platform's, which tests/local/dynamodb.test.ts holds to what any DynamoDB
 * does, over SQLite in memory. No HTTP and no signature between it and the client of AWS's SDK: they cost more than all else.
 */
import { setImmediate as turn } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { isKnown, perform, type Refusal } from "../../local/dynamodb/dynalite.ts";
import { WholePage } from "../../local/dynamodb/queryTable.ts";
import { SqliteStore } from "../../local/dynamodb/storage.ts";

interface Answer {
  readonly statusCode: number;
  readonly body: string;
}

/** What the SDK would send, as far as it is looked at. */
interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One call, done whole. @throws Error for what dynalite breaks at */
function answer(store: SqliteStore, action: string, body: string): Promise<Answer> {
  const refused = (thrown: Partial<Refusal>): Answer => {
    if (thrown.statusCode === undefined) throw thrown;
    return { statusCode: thrown.statusCode, body: JSON.stringify(thrown.body) };
  };
  return new Promise<Answer>((resolve, reject) => {
    if (!isKnown(action)) throw new Error(`the DynamoDB of unit tests does not answer ${action}`);
    perform(store, action, JSON.parse(body), (error, value) => {
      if (error) reject(error);
      else resolve({ statusCode: 200, body: value instanceof WholePage ? value.json() : JSON.stringify(value) });
    });
  })
    .catch(refused)
    .finally(() => store.commit());
}

/** Waits until a table is there: a moment after its call. */
async function ready(store: SqliteStore, table: string): Promise<void> {
  const status = async () =>
    JSON.parse((await answer(store, "DescribeTable", JSON.stringify({ TableName: table }))).body);
  while ((await status()).Table.TableStatus !== "ACTIVE") await turn();
}

/** A DynamoDB of its own without tables. @returns its client; to destroy it is to lose the tables */
export function openDynamodb(): DynamoDBClient {
  const store = new SqliteStore(":memory:", { accountId: "000000000000", region: "us-east-1" });
  return new DynamoDBClient({
    endpoint: "http://dynamodb.invalid",
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    signer: { sign: async (request) => request },
    requestHandler: {
      async handle({ headers, body }: Request, options: { readonly abortSignal?: AbortSignal } = {}) {
        // As over a network, what else is ready goes first, on the way there and back.
        await turn();
        if (options.abortSignal?.aborted === true)
          throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
        const action = headers["x-amz-target"]!.split(".")[1]!;
        const { statusCode, body: text } = await answer(store, action, new TextDecoder().decode(body as Uint8Array));
        if (action === "CreateTable" && statusCode === 200)
          await ready(store, JSON.parse(text).TableDescription.TableName);
        await turn();
        return {
          response: {
            statusCode,
            headers: { "content-type": "application/x-amz-json-1.0" },
            body: Buffer.from(text),
          },
        };
      },
      destroy: () => store.close(),
    },
  });
}
