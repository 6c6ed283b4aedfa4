import * as pulumi from "@pulumi/pulumi";
import { DataTable } from "../blocks/dataTable.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import type { Permission } from "../blocks/permissions.ts";
import { Secret } from "../blocks/secret.ts";

// Invariant: only the HMAC of a key's secret is stored, made under the pepper. Table and pepper have different KMS keys: to
// verify a secret one has to read both.

/** The key directory as a region uses it, whichever stack holds it. */
export interface Keys {
  readonly tableName: pulumi.Output<string>;
  readonly pepperArn: pulumi.Output<string>;
  /** ARN of the secret that says where people sign in. */
  readonly signInArn: pulumi.Output<string>;
  /** These item actions on the table and its index. @example ["dynamodb:GetItem"] */
  to(...actions: readonly `dynamodb:${string}`[]): Permission[];
  pepperToRead(): Permission[];
  pepperToWrite(): Permission[];
  signInToRead(): Permission[];
}

export interface KeyDirectoryArgs {
  readonly region: string;
  /** Every region with a replica, the own one among them: where the edge may look. */
  readonly regions: readonly string[];
  readonly protect: boolean;
}

/** API keys, where every edge location finds them near by. */
export class KeyDirectory extends pulumi.ComponentResource implements Keys {
  readonly table: DataTable;
  readonly pepper: Secret;
  readonly regions: readonly string[];
  readonly tableKey: EncryptionKey;
  readonly pepperKey: EncryptionKey;
  readonly signIn: Secret;
  readonly signInKey: EncryptionKey;

  constructor(name: string, args: KeyDirectoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:KeyDirectory", name, {}, opts);
    const own = { parent: this };
    const { region, protect, regions } = args;
    const replicaRegions = regions.filter((other) => other !== region);
    this.regions = regions;
    this.tableKey = new EncryptionKey(name, { purpose: "API key records", replicaRegions, protect }, own);
    this.pepperKey = new EncryptionKey("pepper", { purpose: "The pepper of API keys", replicaRegions, protect }, own);
    this.table = new DataTable(
      name,
      {
        key: this.tableKey,
        region,
        partition: ["key_id", "S"],
        indexes: { by_customer: { partition: ["customer_id", "S"], sort: ["key_id", "S"] } },
        replicaRegions,
        protect,
      },
      own,
    );
    this.pepper = new Secret(
      "pepper",
      { description: "Peppers of API keys by version, JSON", key: this.pepperKey, region, replicaRegions },
      own,
    );
    this.signInKey = new EncryptionKey("sign-in", { purpose: "How people sign in", protect }, own);
    this.signIn = new Secret(
      "sign-in",
      { description: "Issuer of people's sign-in, with the client's id and secret, JSON", key: this.signInKey, region },
      own,
    );
    this.registerOutputs();
  }

  get tableName(): pulumi.Output<string> {
    return this.table.table.name;
  }

  get pepperArn(): pulumi.Output<string> {
    return this.pepper.secret.arn;
  }

  get signInArn(): pulumi.Output<string> {
    return this.signIn.secret.arn;
  }

  signInToRead(): Permission[] {
    return this.signIn.toRead();
  }

  to(...actions: readonly `dynamodb:${string}`[]): Permission[] {
    return this.table.to(...actions);
  }

  pepperToRead(): Permission[] {
    return this.pepper.toRead();
  }

  pepperToWrite(): Permission[] {
    return this.pepper.toWrite();
  }
}
