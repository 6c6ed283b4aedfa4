import { QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import type { Item } from "../domain/codec/index.ts";
import type { SweepPorts } from "./sweep.ts";

const PAGE = 200;

/** Reads the index of what is due, and claims what it finds there. */
export function dueIn(dynamodb: Dynamodb, table: string): Pick<SweepPorts, "due" | "claim"> {
  return {
    async *due(partition, until) {
      let from: Item | undefined;
      do {
        const page: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await dynamodb.send(
          new QueryCommand({
            TableName: table,
            IndexName: "due",
            KeyConditionExpression: "due_pk = :pk AND next_attempt_at <= :until",
            ExpressionAttributeValues: { ":pk": { S: partition }, ":until": { N: String(until) } },
            Limit: PAGE,
            ...(from && { ExclusiveStartKey: from }),
          }),
        );
        yield page.Items ?? [];
        from = page.LastEvaluatedKey;
      } while (from !== undefined);
    },
    async claim({ pk, sk, next_attempt_at }, until) {
      try {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName: table,
            Key: { pk: pk!, sk: sk! },
            UpdateExpression: "SET next_attempt_at = :until",
            ConditionExpression: "next_attempt_at = :was AND attribute_exists(due_pk)",
            ExpressionAttributeValues: { ":until": { N: String(until) }, ":was": next_attempt_at! },
          }),
        );
        return true;
      } catch (error) {
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
        return false;
      }
    },
  };
}
