import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import type { Dynamodb } from "../../../runtime/aws/clients.ts";
import { getItems, putEach, putItem, putItems, updateItem } from "../../../runtime/aws/tables.ts";
import type { Item } from "../../../runtime/domain/codec/fields.ts";

const test = suite("access to tables");

interface Input {
  readonly RequestItems: {
    readonly t: readonly { PutRequest: { Item: Item } }[] & { readonly Keys?: readonly Item[] };
  };
}

/** A table that does only so many of the items of each call, and keeps what it was asked. */
function limited(shares: readonly number[]) {
  const done: string[] = [];
  let call = 0;
  const send = async ({ input }: { input: Input }) => {
    const { Keys, ...put } = input.RequestItems.t as { Keys?: readonly Item[] };
    const all = Keys ?? (Object.values(put) as unknown as { PutRequest: { Item: Item } }[]);
    const some = all.slice(0, shares[call] ?? all.length);
    call += 1;
    done.push(...some.map((each) => ("PutRequest" in each ? (each.PutRequest as { Item: Item }).Item : each).pk!.S!));
    const rest = all.slice(some.length);
    return Keys === undefined
      ? { UnprocessedItems: rest.length === 0 ? {} : { t: rest } }
      : { Responses: { t: some }, UnprocessedKeys: rest.length === 0 ? {} : { t: { Keys: rest } } };
  };
  return { table: { dynamodb: { send } as unknown as Dynamodb, name: "t" }, done };
}
const named = (count: number): Item[] => Array.from({ length: count }, (_, i) => ({ pk: { S: `k${i}` } }));
const names = (items: readonly Item[]) => items.map(({ pk }) => pk!.S!).sort();

test("unprocessed items are asked for again, each once, for reads and writes alike", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 20 }),
      // No two empty answers in a row, so that no pause is longer than 40 ms.
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
      async (count, shares) => {
        const reading = limited([0, ...shares]);
        assert.deepEqual(names(await getItems(reading.table, named(count), "strong")), names(named(count)));
        const writing = limited(shares);
        await putItems(writing.table, named(count));
        assert.deepEqual(writing.done.sort(), names(named(count)));
      },
    ),
    { numRuns: 10 },
  ));

test("six answers in a row that got nothing done are an error that says how much is left", async () => {
  const { table } = limited([2, 0, 0, 0, 0, 0, 0]);
  let message = "";
  await getItems(table, named(5), "eventual").catch((error: Error) => {
    message = error.message;
  });
  assert.equal(message, "3 items were still not read after 6 tries");
});

test("items that could not be put are named, and no others", async () => {
  const { table } = limited([2, 0, 0, 0, 0, 0, 0]);
  const outcomes = await putEach(table, named(25));
  const left = outcomes.flatMap((error, at) => (error === undefined ? [] : [at]));
  assert.deepEqual(
    left,
    Array.from({ length: 23 }, (_, at) => at + 2),
  );
});

test("a condition that does not hold is an answer, every other refusal an error", async () => {
  const refusing = (name: string) => ({
    dynamodb: {
      send: async () => {
        throw Object.assign(new Error(name), { name });
      },
    } as unknown as Dynamodb,
    name: "t",
  });
  const condition = refusing("ConditionalCheckFailedException");
  assert.deepEqual(
    [await putItem(condition, {}), await updateItem(condition, {}, { UpdateExpression: "REMOVE a" })],
    [false, undefined],
  );
  await assert.rejects(putItem(refusing("ThrottlingException"), {}), { name: "ThrottlingException" });
});

test.run();
