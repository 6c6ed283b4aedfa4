import assert from "node:assert/strict";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { conformanceCases, type Deviations } from "../support/conformance.ts";
import { clientOf } from "./serve.ts";

/** What any DynamoDB has to do, asked through the SDK: ours and dynalite as it comes are held to it. */
export interface DynamoUnderTest {
  readonly endpoint: string;
  /** A table with keys `pk` S and `sk` S, a global index `due` of `due_pk` S and `at` N, and one, `keys`, of `owner` S with keys alone. */
  createTable(name: string): Promise<void>;
  close(): Promise<void>;
}

type Attributes = Record<
  string,
  | { S: string }
  | { N: string }
  | { B: Uint8Array }
  | { SS: string[] }
  | { NS: string[] }
  | { M: Attributes }
  | { L: Attributes[string][] }
  | { BOOL: boolean }
>;

/** @param deviations cases that the implementation is known to fail, and with what */
export function dynamoConformance(
  name: string,
  start: () => Promise<DynamoUnderTest>,
  deviations: Deviations = {},
): void {
  const test = suite(`DynamoDB: ${name}`);
  let dynamo: DynamoUnderTest;
  let client: DynamoDBClient;
  const TableName = "conformance";
  test.before(async () => {
    dynamo = await start();
    await dynamo.createTable(TableName);
    client = new DynamoDBClient({ ...clientOf(dynamo.endpoint), maxAttempts: 1 });
  });
  test.after(async () => {
    client.destroy();
    await dynamo.close();
  });

  let partitions = 0;
  const partition = (): string => {
    partitions += 1;
    return `p${partitions}`;
  };
  const put = (Item: Attributes, more: object = {}) => client.send(new PutItemCommand({ TableName, Item, ...more }));
  const get = async (pk: string, sk: string, more: object = {}) =>
    (await client.send(new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } }, ...more }))).Item;
  const update = (pk: string, sk: string, more: object) =>
    client.send(new UpdateItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } }, ...more }));
  const query = (more: Partial<QueryCommandInput>) => client.send(new QueryCommand({ TableName, ...more }));
  const sorted = async (more: Partial<QueryCommandInput>) => (await query(more)).Items?.map(({ sk }) => sk?.S);
  const refused = async (work: Promise<unknown>, error: string, message?: string) => {
    const thrown = (await work.then(
      () => undefined,
      (reason: Error) => reason,
    )) as Error | undefined;
    assert.equal(thrown?.name, error);
    if (message !== undefined) assert.equal(thrown?.message, message);
  };
  const { holds, run } = conformanceCases(test, deviations);

  holds("an item comes back as it was put, every type of it", async () => {
    const pk = partition();
    const item: Attributes = {
      pk: { S: pk },
      sk: { S: "é\u0000漢 𝄞" },
      number: { N: "-12.50" },
      big: { N: "12345678901234567890123456789012345678" },
      binary: { B: new Uint8Array([0, 1, 254, 255]) },
      set: { SS: ["b", "a"] },
      numbers: { NS: ["3", "1"] },
      list: { L: [{ S: "x" }, { BOOL: true }] },
      map: { M: { inner: { S: "y" } } },
    };
    await put(item);
    const found = (await get(pk, "é\u0000漢 𝄞")) as unknown as Attributes;
    assert.deepEqual(
      { ...found, set: undefined, numbers: undefined, number: undefined },
      { ...item, set: undefined, numbers: undefined, number: undefined },
    );
    assert.deepEqual([...(found.set as { SS: string[] }).SS].sort(), ["a", "b"]);
    assert.equal(Number((found.number as { N: string }).N), -12.5);
  });

  holds("a missing item is no item, of a missing table an error", async () => {
    assert.equal(await get(partition(), "x"), undefined);
    await refused(
      client.send(new GetItemCommand({ TableName: "nowhere", Key: { pk: { S: "a" }, sk: { S: "b" } } })),
      "ResourceNotFoundException",
    );
  });

  holds("a put under a condition happens once", async () => {
    const pk = partition();
    const once = { ConditionExpression: "attribute_not_exists(pk)" };
    await put({ pk: { S: pk }, sk: { S: "a" }, v: { N: "1" } }, once);
    await refused(
      put({ pk: { S: pk }, sk: { S: "a" }, v: { N: "2" } }, once),
      "ConditionalCheckFailedException",
      "The conditional request failed",
    );
    assert.deepEqual((await get(pk, "a"))?.v, { N: "1" });
  });

  holds("of a hundred conditional puts at once one succeeds", async () => {
    const pk = partition();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) =>
        put(
          { pk: { S: pk }, sk: { S: "a" }, v: { N: String(i) } },
          { ConditionExpression: "attribute_not_exists(pk)" },
        ),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  holds("a hundred additions at once all count", async () => {
    const pk = partition();
    await Promise.all(
      Array.from({ length: 100 }, () =>
        update(pk, "n", {
          UpdateExpression: "ADD #n :one",
          ExpressionAttributeNames: { "#n": "n" },
          ExpressionAttributeValues: { ":one": { N: "1" } },
        }),
      ),
    );
    assert.deepEqual((await get(pk, "n"))?.n, { N: "100" });
  });

  holds("an update sets, removes, adds to sets, deletes from them, and answers what is new", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "a" }, gone: { S: "x" }, set: { SS: ["a", "b"] }, list: { L: [{ S: "1" }] } });
    const { Attributes } = await update(pk, "a", {
      UpdateExpression:
        "SET v = if_not_exists(v, :zero) + :one, #l = list_append(#l, :more) REMOVE gone ADD tags :tags DELETE #s :b",
      ExpressionAttributeNames: { "#l": "list", "#s": "set" },
      ExpressionAttributeValues: {
        ":zero": { N: "0" },
        ":one": { N: "1" },
        ":more": { L: [{ S: "2" }] },
        ":tags": { SS: ["t"] },
        ":b": { SS: ["b"] },
      },
      ReturnValues: "ALL_NEW",
    });
    assert.deepEqual(Attributes, {
      pk: { S: pk },
      sk: { S: "a" },
      v: { N: "1" },
      set: { SS: ["a"] },
      tags: { SS: ["t"] },
      list: { L: [{ S: "1" }, { S: "2" }] },
    });
  });

  holds("an update of a member inside a map leaves the others", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "a" }, m: { M: { x: { N: "1" }, y: { N: "2" } } } });
    await update(pk, "a", { UpdateExpression: "SET m.x = :v", ExpressionAttributeValues: { ":v": { N: "9" } } });
    assert.deepEqual((await get(pk, "a"))?.m, { M: { x: { N: "9" }, y: { N: "2" } } });
  });

  holds("an update under a condition that fails changes nothing", async () => {
    const pk = partition();
    await refused(
      update(pk, "a", {
        UpdateExpression: "SET v = :v",
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeValues: { ":v": { N: "1" } },
      }),
      "ConditionalCheckFailedException",
    );
    assert.equal(await get(pk, "a"), undefined);
  });

  holds("a delete answers the old item and is harmless when repeated", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "a" }, v: { N: "1" } });
    const gone = () =>
      client.send(
        new DeleteItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: "a" } }, ReturnValues: "ALL_OLD" }),
      );
    assert.deepEqual((await gone()).Attributes?.v, { N: "1" });
    assert.equal((await gone()).Attributes, undefined);
  });

  holds("a projection answers what it names", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "a" }, v: { N: "1" }, m: { M: { x: { S: "1" }, y: { S: "2" } } } });
    assert.deepEqual(await get(pk, "a", { ProjectionExpression: "v, m.x" }), {
      v: { N: "1" },
      m: { M: { x: { S: "1" } } },
    });
  });

  const ranges: readonly (readonly [
    condition: string,
    values: Record<string, { S: string }>,
    found: readonly string[],
  ])[] = [
    ["sk = :a", { ":a": { S: "b2" } }, ["b2"]],
    ["sk < :a", { ":a": { S: "b2" } }, ["a", "b", "b1"]],
    ["sk <= :a", { ":a": { S: "b2" } }, ["a", "b", "b1", "b2"]],
    ["sk > :a", { ":a": { S: "b2" } }, ["b20", "c", "é"]],
    ["sk >= :a", { ":a": { S: "b2" } }, ["b2", "b20", "c", "é"]],
    ["sk BETWEEN :a AND :b", { ":a": { S: "b" }, ":b": { S: "b2" } }, ["b", "b1", "b2"]],
    ["begins_with(sk, :a)", { ":a": { S: "b" } }, ["b", "b1", "b2", "b20"]],
  ];
  for (const [condition, values, found] of ranges) {
    holds(`a query with ${condition} finds ${found.join(" ")}, in either order`, async () => {
      const pk = partition();
      for (const sk of ["c", "b20", "a", "é", "b2", "b", "b1"]) await put({ pk: { S: pk }, sk: { S: sk } });
      await put({ pk: { S: `${pk}x` }, sk: { S: "b2" } });
      const asked = {
        KeyConditionExpression: `pk = :p AND ${condition}`,
        ExpressionAttributeValues: { ":p": { S: pk }, ...values },
      };
      assert.deepEqual(await sorted(asked), found);
      assert.deepEqual(await sorted({ ...asked, ScanIndexForward: false }), [...found].reverse());
    });
  }

  holds("pages of a query, in either order, hold each item once", async () => {
    const pk = partition();
    const all = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, "0")}`);
    await Promise.all(all.map((sk) => put({ pk: { S: pk }, sk: { S: sk } })));
    for (const forward of [true, false]) {
      const seen: (string | undefined)[] = [];
      let ExclusiveStartKey: QueryCommandInput["ExclusiveStartKey"];
      do {
        const page = await query({
          KeyConditionExpression: "pk = :p",
          ExpressionAttributeValues: { ":p": { S: pk } },
          Limit: 7,
          ScanIndexForward: forward,
          ExclusiveStartKey,
        });
        seen.push(...(page.Items ?? []).map(({ sk }) => sk?.S));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
      assert.deepEqual(seen, forward ? all : [...all].reverse());
    }
  });

  holds("a page ends at a megabyte, and a filter counts what it read", async () => {
    const pk = partition();
    for (let i = 0; i < 5; i += 1)
      await put({ pk: { S: pk }, sk: { S: String(i) }, v: { N: String(i) }, blob: { B: new Uint8Array(300_000) } });
    const page = await query({
      KeyConditionExpression: "pk = :p",
      FilterExpression: "v > :v",
      ExpressionAttributeValues: { ":p": { S: pk }, ":v": { N: "1" } },
      ProjectionExpression: "sk",
    });
    assert.equal(page.ScannedCount, 4);
    assert.deepEqual(
      page.Items?.map(({ sk }) => sk?.S),
      ["2", "3"],
    );
    assert.deepEqual(page.LastEvaluatedKey, { pk: { S: pk }, sk: { S: "3" } });
  });

  holds("a sparse index follows puts, updates and deletes", async () => {
    const pk = partition();
    const due = async () =>
      (
        await query({
          IndexName: "due",
          KeyConditionExpression: "due_pk = :p AND #at <= :n",
          ExpressionAttributeNames: { "#at": "at" },
          ExpressionAttributeValues: { ":p": { S: pk }, ":n": { N: "100" } },
        })
      ).Items?.map(({ sk }) => sk?.S);
    await put({ pk: { S: pk }, sk: { S: "a" }, due_pk: { S: pk }, at: { N: "20" } });
    await put({ pk: { S: pk }, sk: { S: "b" }, due_pk: { S: pk }, at: { N: "3" } });
    await put({ pk: { S: pk }, sk: { S: "later" }, due_pk: { S: pk }, at: { N: "101" } });
    await put({ pk: { S: pk }, sk: { S: "never" } });
    assert.deepEqual(await due(), ["b", "a"]);
    await update(pk, "a", {
      UpdateExpression: "SET #at = :n",
      ExpressionAttributeNames: { "#at": "at" },
      ExpressionAttributeValues: { ":n": { N: "1" } },
    });
    assert.deepEqual(await due(), ["a", "b"]);
    await update(pk, "b", { UpdateExpression: "REMOVE due_pk" });
    await client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: "a" } } }));
    assert.deepEqual(await due(), []);
  });

  holds("an index of keys alone answers keys alone", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "a" }, owner: { S: pk }, v: { N: "1" } });
    const { Items } = await query({
      IndexName: "keys",
      KeyConditionExpression: "#o = :p",
      ExpressionAttributeNames: { "#o": "owner" },
      ExpressionAttributeValues: { ":p": { S: pk } },
    });
    assert.deepEqual(Items, [{ pk: { S: pk }, sk: { S: "a" }, owner: { S: pk } }]);
  });

  holds("items with the same index key do not hide one another", async () => {
    const pk = partition();
    const count = 6_000;
    const writes = Array.from({ length: count }, (_, i) => ({
      PutRequest: { Item: { pk: { S: pk }, sk: { S: String(i) }, due_pk: { S: pk }, at: { N: "1" } } },
    }));
    for (let i = 0; i < count; i += 25)
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: writes.slice(i, i + 25) } }));
    let seen = 0;
    let ExclusiveStartKey: QueryCommandInput["ExclusiveStartKey"];
    do {
      const page = await query({
        IndexName: "due",
        KeyConditionExpression: "due_pk = :p",
        ExpressionAttributeValues: { ":p": { S: pk } },
        Select: "COUNT",
        ExclusiveStartKey,
      });
      seen += page.Count ?? 0;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    assert.equal(seen, count);
  });

  holds("a batch writes and deletes; a batch reads what is there", async () => {
    const pk = partition();
    await put({ pk: { S: pk }, sk: { S: "old" } });
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TableName]: [
            { PutRequest: { Item: { pk: { S: pk }, sk: { S: "new" } } } },
            { DeleteRequest: { Key: { pk: { S: pk }, sk: { S: "old" } } } },
          ],
        },
      }),
    );
    const { Responses } = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [TableName]: { Keys: ["old", "new"].map((sk) => ({ pk: { S: pk }, sk: { S: sk } })) } },
      }),
    );
    assert.deepEqual(Responses?.[TableName], [{ pk: { S: pk }, sk: { S: "new" } }]);
  });

  holds("a batch over 25 items, or with one item twice, is refused whole", async () => {
    const pk = partition();
    const writes = (keys: readonly string[]) =>
      client.send(
        new BatchWriteItemCommand({
          RequestItems: { [TableName]: keys.map((sk) => ({ PutRequest: { Item: { pk: { S: pk }, sk: { S: sk } } } })) },
        }),
      );
    await refused(writes(Array.from({ length: 26 }, (_, i) => String(i))), "ValidationException");
    await refused(writes(["a", "a"]), "ValidationException", "Provided list of item keys contains duplicates");
    assert.equal(await get(pk, "a"), undefined);
  });

  holds("an item over 400 KB is refused, one of 400 KB less its names is not", async () => {
    const pk = partition();
    const blob = (bytes: number) => ({ pk: { S: pk }, sk: { S: "a" }, b: { B: new Uint8Array(bytes) } });
    await put(blob(409_600 - 5 - 1 - pk.length));
    await refused(put(blob(409_600)), "ValidationException", "Item size has exceeded the maximum allowed size");
  });

  holds("an item without its key, or with an empty one, is refused", async () => {
    await refused(
      put({ pk: { S: "p" } }),
      "ValidationException",
      "One or more parameter values were invalid: Missing the key sk in the item",
    );
    await refused(put({ pk: { S: "" }, sk: { S: "a" } }), "ValidationException");
  });

  holds("a scan over segments finds every item once", async () => {
    const pk = partition();
    await Promise.all(Array.from({ length: 20 }, (_, i) => put({ pk: { S: `${pk}-${i}` }, sk: { S: "scan" } })));
    const found: (string | undefined)[] = [];
    for (let Segment = 0; Segment < 4; Segment += 1) {
      let ExclusiveStartKey: QueryCommandInput["ExclusiveStartKey"];
      do {
        const page = await client.send(
          new ScanCommand({
            TableName,
            Segment,
            TotalSegments: 4,
            FilterExpression: "begins_with(pk, :p)",
            ExpressionAttributeValues: { ":p": { S: `${pk}-` } },
            ExclusiveStartKey,
          }),
        );
        found.push(...(page.Items ?? []).map((item) => item.pk?.S));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
    }
    assert.deepEqual(found.sort(), Array.from({ length: 20 }, (_, i) => `${pk}-${i}`).sort());
  });

  holds("numbers of any sign, size and fraction sort by value", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc
            .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -30, max: 30 }))
            .map(([digits, exponent]) => Number(`${digits}e${exponent}`) + 0),
          { minLength: 2, maxLength: 12 },
        ),
        async (numbers) => {
          const pk = partition();
          await Promise.all(
            numbers.map((n, i) =>
              put({ pk: { S: pk }, sk: { S: String(i) }, due_pk: { S: pk }, at: { N: String(n) } }),
            ),
          );
          const { Items } = await query({
            IndexName: "due",
            KeyConditionExpression: "due_pk = :p",
            ExpressionAttributeValues: { ":p": { S: pk } },
          });
          assert.deepEqual(
            Items?.map((item) => Number(item.at?.N)),
            [...numbers].sort((a, b) => a - b),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  run();
}
