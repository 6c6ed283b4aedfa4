import * as pulumi from "@pulumi/pulumi";
import type { ShardRule } from "../../runtime/domain/shards.ts";
import { DataBucket } from "../blocks/dataBucket.ts";
import { DataTable, type DataTableArgs } from "../blocks/dataTable.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";

export interface EventStoreArgs {
  readonly region: string;
  readonly logs: DataBucket;
  /** Write units a second that the table of events serves from the first second on. @default DynamoDB's own */
  readonly warmWriteUnits?: number | undefined;
  /** Class of the table of events (blocks/dataTable.ts). */
  readonly tableClass: DataTableArgs["tableClass"];
  /** Over how many partitions customers are spread, by time. */
  readonly shards: readonly ShardRule[];
  readonly protect: boolean;
}

/** Where events live: a table of packed batches and deliveries, a bucket of large payloads, a table of counts. */
export class EventStore extends pulumi.ComponentResource {
  readonly events: DataTable;
  readonly metrics: DataTable;
  readonly payloads: DataBucket;
  /** The rules of partitions, as functions find them in their environment. */
  readonly shards: string;
  /** Encrypts the payloads. */
  readonly payloadKey: EncryptionKey;

  constructor(name: string, args: EventStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EventStore", name, {}, opts);
    const own = { parent: this };
    const { region, protect } = args;
    this.shards = JSON.stringify(args.shards);
    const key = new EncryptionKey(name, { purpose: "Events and their deliveries", protect }, own);
    this.events = new DataTable(
      "events",
      {
        key,
        region,
        partition: ["pk", "S"],
        sort: ["sk", "S"],
        indexes: {
          by_state: { partition: ["state_pk", "S"], sort: ["sk", "S"], carries: "KEYS_ONLY" },
          due: { partition: ["due_pk", "S"], sort: ["next_attempt_at", "N"] },
        },
        expiry: "expires_at",
        warmWriteUnits: args.warmWriteUnits,
        tableClass: args.tableClass,
        protect,
      },
      own,
    );
    this.metrics = new DataTable(
      "metrics",
      { key, region, partition: ["pk", "S"], sort: ["sk", "S"], expiry: "expires_at", protect },
      own,
    );
    this.payloadKey = new EncryptionKey("payloads", { purpose: "Payloads too large for the table", protect }, own);
    this.payloads = new DataBucket(
      "payloads",
      {
        key: this.payloadKey,
        region,
        accessLogs: args.logs,
        // Items point at payloads for ten years at most; retain deletes them by their customer's retention.
        ageing: [{ prefix: "", coldAfterDays: 90, deleteAfterDays: 3_660 }],
        protect,
      },
      own,
    );
    this.registerOutputs();
  }
}
