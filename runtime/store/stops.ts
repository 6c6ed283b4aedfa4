import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import type { Item } from "../domain/codec/index.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";

/**
 * What must not be posted to any more, told at once: whoever disables or removes a subscription writes it here before
 * answering, and whoever posts reads what was written in the last seconds, once for all customers. So no post begins later
 * than a second after the answer, while definitions themselves are remembered for longer. One partition of the events
 * table holds all of them, for they are few, and short-lived: a query finds nothing most of the time, and costs one read unit.
 */
export interface Stop {
  readonly tenant: Tenant;
  /** Undefined: all of the tenant's. */
  readonly subscription_id: string | undefined;
  /** Tells it from others. */
  readonly key: string;
}

const PARTITION = "stops";
/** Nobody asks for older ones; the table's expiry takes them away. */
const KEEP_SECONDS = 3_600;
/** How far back readers look: clocks of two machines differ by less. */
const LOOK_BACK_MS = 10_000;

const sortKey = (at: number): string => String(at).padStart(15, "0");

/** Tells that a subscription's definition has changed so that posts must stop, or, without an id, all of a tenant's. */
export async function tellStop(
  dynamodb: Pick<Dynamodb, "send">,
  table: string,
  tenant: Tenant,
  subscription_id: string | undefined,
  now: number,
): Promise<void> {
  const subscription = defined({
    subscription_id: mapDefined(subscription_id, (subscription_id) => ({ S: subscription_id })),
  });
  const item: Item = {
    pk: { S: PARTITION },
    sk: { S: `${sortKey(now)}#${tenant}#${subscription_id ?? ""}` },
    tenant: { S: tenant },
    ...subscription,
    expires_at: { N: String(Math.floor(now / 1_000) + KEEP_SECONDS) },
  };
  await dynamodb.send(new PutItemCommand({ TableName: table, Item: item }));
}

/** What was told in the last seconds. */
export async function recentStops(dynamodb: Pick<Dynamodb, "send">, table: string, now: number): Promise<Stop[]> {
  const stops: Stop[] = [];
  let from: Item | undefined;
  do {
    const page: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "pk = :pk AND sk >= :from",
        ExpressionAttributeValues: { ":pk": { S: PARTITION }, ":from": { S: sortKey(now - LOOK_BACK_MS) } },
        ConsistentRead: true,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    for (const { tenant, subscription_id, sk } of page.Items ?? [])
      stops.push({ tenant: tenant!.S as Tenant, subscription_id: subscription_id?.S, key: sk!.S! });
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return stops;
}
