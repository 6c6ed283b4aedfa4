/** Counting as an execution environment does, and adding hours up as the job does, without waiting for either. */
import { type AttributeValue, DeleteItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../../runtime/aws/clients.ts";
import type { Identity, Tenant } from "../../runtime/domain/identity/identity.ts";
import { hourItems, hourOf } from "../../runtime/domain/metrics/hours.ts";
import type { UsageFact } from "../../runtime/domain/usage/fact.ts";
import { minuteShards, rollUp, usageSortKey, usageWriter } from "../../runtime/domain/usage/usage.ts";

const HOUR = 3_600_000;
let writers = 0;

/** A request with events of these types, received and routed at once. @param matched offsets by subscription */
export const acceptedFact = (
  { customer_id, key_id }: Pick<Identity, "customer_id" | "key_id">,
  at: number,
  types: readonly (string | null)[],
  matched: Readonly<Record<string, readonly number[]>> = {},
): UsageFact => ({
  kind: "accepted",
  tenant: customer_id,
  at,
  routed_at: at,
  key_id,
  events: types.map((type) => ({ type, bytes: 100 })),
  matched,
});

/** Counts facts as an environment of its own, at the time of the last of them. */
export async function countUsage(dynamodb: Dynamodb, facts: readonly UsageFact[]): Promise<void> {
  const now = Math.max(...facts.map((fact) => (fact.kind === "accepted" ? fact.routed_at : fact.at)));
  const send = (input: ConstructorParameters<typeof PutItemCommand>[0]) => dynamodb.send(new PutItemCommand(input));
  const writer = usageWriter("metrics", send, `w${writers++}`, () => now);
  writer.add(facts);
  await writer.flush();
}

type Item = Record<string, AttributeValue>;

async function minutesOf(dynamodb: Dynamodb, tenant: Tenant, hour: number): Promise<Item[]> {
  const shards = await Promise.all(
    minuteShards(tenant).map((pk) =>
      dynamodb.send(
        new QueryCommand({
          TableName: "metrics",
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
          ExpressionAttributeValues: {
            ":pk": { S: pk },
            ":lo": { S: usageSortKey(hour) },
            ":hi": { S: usageSortKey(hour + HOUR - 60_000, "~") },
          },
        }),
      ),
    ),
  );
  return shards.flatMap(({ Items = [] }) => Items);
}

export async function addHourUp(dynamodb: Dynamodb, tenant: Tenant, at: number): Promise<void> {
  const hour = Math.floor(at / HOUR) * HOUR;
  const minutes = await minutesOf(dynamodb, tenant, hour);
  for (const Item of [...rollUp(tenant, hour, minutes), ...hourItems(tenant, hour, hourOf(minutes))])
    await dynamodb.send(new PutItemCommand({ TableName: "metrics", Item }));
}

/** Removes an hour's minutes, as their expiry does. */
export async function expireMinutes(dynamodb: Dynamodb, tenant: Tenant, at: number): Promise<void> {
  for (const { pk, sk } of await minutesOf(dynamodb, tenant, Math.floor(at / HOUR) * HOUR))
    await dynamodb.send(new DeleteItemCommand({ TableName: "metrics", Key: { pk: pk!, sk: sk! } }));
}
