import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "./clients.ts";

/** The SDK's own client, for functions that call rarely (docs/decisions/aws-calls.md). */
export const dynamodbClient = (config: DynamoDBClientConfig = {}): Dynamodb => new DynamoDBClient(config);
