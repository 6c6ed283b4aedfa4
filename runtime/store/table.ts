import type { S3Client } from "@aws-sdk/client-s3";
import { askTable, type Table } from "../aws/tables.ts";

/**
 * The stored events as others read them: the management API for a customer's questions, retain for replays,
 * exports and erasures. Every function takes the tenant from its caller, and every key begins with it.
 */
export interface Store {
  /** The events table. */
  readonly events: Table;
  readonly s3: S3Client;
  readonly payloadBucket: string;
}

/** Resolves when DynamoDB knows the table. */
export const askEvents = (events: Table): Promise<void> => askTable(events);
