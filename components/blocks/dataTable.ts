import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { EncryptionKey } from "./encryptionKey.ts";
import type { Permission } from "./permissions.ts";

/** A key attribute: its name and whether it is text or a number. */
export type KeyAttribute = readonly [name: string, type: "S" | "N"];

export interface IndexArgs {
  readonly partition: KeyAttribute;
  readonly sort: KeyAttribute;
  /**
   * What the index carries: all attributes, or keys alone, whose readers then read the items. A change rebuilds the index, which finds
   * nothing until that is done.
   * @default ALL
   */
  readonly carries?: "ALL" | "KEYS_ONLY";
}

export interface DataTableArgs {
  readonly key: EncryptionKey;
  readonly region: string;
  readonly partition: KeyAttribute;
  readonly sort?: KeyAttribute;
  /** Indexes by name. */
  readonly indexes?: Readonly<Record<string, IndexArgs>>;
  /** Attribute with the second of expiry. @default none: items stay */
  readonly expiry?: string;
  /** Other regions with a replica; `key` must have a replica in each. @default none */
  readonly replicaRegions?: readonly string[];
  /**
   * Write units a second that table and indexes serve from the first second on, at least 4,000. AWS bills a rise once, and the table
   * can't go back. @default what every new table serves, 4,000, which grows by itself with the load
   */
  readonly warmWriteUnits?: number | undefined;
  /**
   * `STANDARD_INFREQUENT_ACCESS` stores for two fifths of the price, and reads and writes for a quarter more: it is the cheaper one where
   * storage is more than half of what these would cost. AWS lets it change twice in 30 days, while the table serves.
   * @default STANDARD
   */
  readonly tableClass?: "STANDARD" | "STANDARD_INFREQUENT_ACCESS" | undefined;
  readonly protect: boolean;
}

/** Every key attribute once, by name. @throws Error when one name has two types */
export function attributesOf(args: Pick<DataTableArgs, "partition" | "sort" | "indexes">) {
  const all = [args.partition, args.sort, ...Object.values(args.indexes ?? {}).flatMap((i) => [i.partition, i.sort])];
  const types = new Map<string, string>();
  for (const [name, type] of all.filter((attribute) => attribute !== undefined)) {
    if ((types.get(name) ?? type) !== type) throw new Error(`${name}: a key attribute has one type, S or N`);
    types.set(name, type);
  }
  return [...types].map(([name, type]) => ({ name, type })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A DynamoDB table billed per request, encrypted, restorable to any second of the last 35 days. */
export class DataTable extends pulumi.ComponentResource {
  readonly table: aws.dynamodb.Table;
  /** Names of its indexes. */
  readonly indexes: readonly string[];
  private readonly args: DataTableArgs;

  constructor(name: string, args: DataTableArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:DataTable", name, {}, opts);
    this.args = args;
    this.indexes = Object.keys(args.indexes ?? {});
    const { replicaRegions = [], warmWriteUnits } = args;
    const warm = defined({
      warmThroughput: mapDefined(warmWriteUnits, (warmWriteUnits) => ({ writeUnitsPerSecond: warmWriteUnits })),
    });
    this.table = new aws.dynamodb.Table(
      `${name}-table`,
      {
        billingMode: "PAY_PER_REQUEST",
        attributes: attributesOf(args),
        hashKey: args.partition[0],
        ...defined({ rangeKey: mapDefined(args.sort, (sort) => sort[0]) }),
        globalSecondaryIndexes: Object.entries(args.indexes ?? {}).map(
          ([index, { partition, sort, carries = "ALL" }]) => ({
            name: index,
            keySchemas: [
              { attributeName: partition[0], keyType: "HASH" },
              { attributeName: sort[0], keyType: "RANGE" },
            ],
            projectionType: carries,
            ...warm,
          }),
        ),
        ...defined({ ttl: mapDefined(args.expiry, (expiry) => ({ attributeName: expiry, enabled: true })) }),
        ...warm,
        ...defined({ tableClass: args.tableClass }),
        serverSideEncryption: { enabled: true, kmsKeyArn: args.key.arn },
        pointInTimeRecovery: { enabled: true },
        deletionProtectionEnabled: args.protect,
        ...(replicaRegions.length === 0
          ? {}
          : {
              // Replication between regions runs on the stream.
              streamEnabled: true,
              streamViewType: "NEW_AND_OLD_IMAGES",
              replicas: replicaRegions.map((region) => ({
                regionName: region,
                kmsKeyArn: args.key.replicaArns[region]!,
                pointInTimeRecovery: true,
                deletionProtectionEnabled: args.protect,
              })),
            }),
      },
      { parent: this, protect: args.protect },
    );
    this.registerOutputs({ name: this.table.name, arn: this.table.arn });
  }

  /** These item actions on the table, and on its indexes where a query may use one. @example ["dynamodb:GetItem"] */
  to(...actions: readonly `dynamodb:${string}`[]): Permission[] {
    const indexed = actions.includes("dynamodb:Query") && this.args.indexes !== undefined;
    return [
      {
        actions,
        resources: [this.table.arn, ...(indexed ? [pulumi.interpolate`${this.table.arn}/index/*`] : [])],
      },
      this.args.key.toEncrypt("dynamodb", this.args.region),
    ];
  }
}
