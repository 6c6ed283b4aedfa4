import { list, optional } from "../declared.ts";
import type { Inputs, ResourceRequest } from "../service.ts";
import type { Hashes } from "./throughput.ts";

/** Tables as a program declares them, in the shapes of DynamoDB's API. */

export interface TableSchema {
  readonly TableName: string;
  readonly [member: string]: unknown;
}

/** What `CreateTable` takes for a declared table. @throws Error naming the missing argument */
export function tableSchema({ type, name: logical, inputs }: ResourceRequest, name: string): TableSchema {
  const hashKey = optional(inputs, "hashKey", "string");
  if (hashKey === undefined) throw new Error(`${type} "${logical}" needs the argument "hashKey"`);
  return {
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
}

/** The attributes by which a table and its indexes are spread over partitions. */
export const hashesOf = (inputs: Inputs): Hashes => ({
  table: String(inputs.hashKey),
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

/**
 * The first difference between a table's keys and indexes as declared and as they are in the state: the stored items would not
 * fit.
 */
export function differenceOf(wanted: Inputs, found: Inputs): string | undefined {
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
