import { DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { log } from "../aws/log.ts";
import { sendOrThrow } from "../aws/queues.ts";
import type { Item } from "../domain/codec.ts";
import { readEnvironment } from "../domain/environment.ts";
import { sweepVariables } from "./environment.ts";
import { type SweepPorts, sweep } from "./sweep.ts";

const env = readEnvironment(sweepVariables);
const dynamodb = new DynamoDBClient({});
const sqs = new SQSClient({ md5: false });
const PAGE = 200;

const ports: SweepPorts = {
  log,
  now: Date.now,
  async *due(partition, until) {
    let from: Item | undefined;
    do {
      const page: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await dynamodb.send(
        new QueryCommand({
          TableName: env.EVENTS_TABLE,
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
          TableName: env.EVENTS_TABLE,
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
  retry: (messages) => sendOrThrow(sqs, env.RETRY_QUEUE_URL, messages),
};

/** Started once a minute by a schedule. */
export const handler = (): Promise<{ deliveries: number; probes: number }> => sweep(ports);
