/** What time to live does: items whose expiry lies in the past are deleted in the background, some time later. */
type Request = (action: string, args: unknown) => Promise<Record<string, unknown>>;
type Item = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** DynamoDB leaves alone what expired more than five years ago, taking it for a mistake. */
const TOO_OLD_SECONDS = 5 * 365 * 24 * 3600;

/** Deletes what has expired from one table. @param now seconds since the epoch @returns how many items went */
export async function sweepExpired(request: Request, table: string, attribute: string, now: number): Promise<number> {
  const { Table } = (await request("DescribeTable", { TableName: table })) as {
    Table: { KeySchema: { AttributeName: string }[] };
  };
  const keys = Table.KeySchema.map(({ AttributeName }) => AttributeName);
  let from: unknown;
  let removed = 0;
  do {
    const page = (await request("Scan", {
      TableName: table,
      FilterExpression: "#e < :now AND #e > :old",
      ProjectionExpression: keys.map((_, i) => `#k${i}`).join(", "),
      ExpressionAttributeNames: { "#e": attribute, ...Object.fromEntries(keys.map((key, i) => [`#k${i}`, key])) },
      ExpressionAttributeValues: { ":now": { N: String(now) }, ":old": { N: String(now - TOO_OLD_SECONDS) } },
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    })) as { Items: Item[]; LastEvaluatedKey?: unknown };
    for (const Key of page.Items) {
      // Only while it is still expired: someone may have moved its expiry meanwhile.
      await request("DeleteItem", {
        TableName: table,
        Key,
        ConditionExpression: "#e < :now",
        ExpressionAttributeNames: { "#e": attribute },
        ExpressionAttributeValues: { ":now": { N: String(now) } },
      }).then(
        () => {
          removed += 1;
        },
        () => {},
      );
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return removed;
}
