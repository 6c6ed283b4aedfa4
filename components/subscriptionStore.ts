import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ShardRule } from "../runtime/domain/shards.ts";
import type { BootstrapEnvironment, SubscriptionsEnvironment } from "../runtime/subscriptions/environment.ts";
import { Database, type DatabaseArgs } from "./blocks/database.ts";
import { EncryptionKey } from "./blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "./blocks/handler.ts";
import { Secret } from "./blocks/secret.ts";
import type { Keys } from "./platform/keyDirectory.ts";

// Invariant: a resource that waits for `ready` finds the schema of this version of the code, and a value in every secret.

export interface SubscriptionStoreArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly database: DatabaseArgs;
  readonly keys: Keys;
  /** Over how many partitions of the events table customers are spread, by time. */
  readonly shards: readonly ShardRule[];
}

/** PostgreSQL, its migrations, and the service that asks it for everybody else. */
export class SubscriptionStore extends pulumi.ComponentResource {
  readonly database: Database;
  /** The subscriptions service, invoked by the stages of an event's way. */
  readonly service: Handler<SubscriptionsEnvironment>;
  /** Full API key of the operator. */
  readonly operatorKey: Secret;
  /** What signs the cursors of lists. */
  readonly cursorSecret: Secret;
  /** The data key that seals what customers entrust: signing secrets and values of headers. */
  readonly sealing: Secret;
  /** The function that a deployment runs first, and that an operator calls to change the data key. */
  readonly bootstrap: Handler<BootstrapEnvironment>;
  /** Done once migrations have run and secrets are filled. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: SubscriptionStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:SubscriptionStore", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, keys } = args;
    const shards = JSON.stringify(args.shards);
    const database = new Database("database", args.database, own);
    this.database = database;
    const secretKey = new EncryptionKey(
      "secrets",
      {
        purpose: "The operator's key, the secret of cursors and the data key of customers' secrets",
        protect: args.database.protect,
      },
      own,
    );
    this.operatorKey = new Secret("operator", { description: "API key of the operator", key: secretKey, region }, own);
    this.cursorSecret = new Secret("cursor", { description: "Signs cursors of lists", key: secretKey, region }, own);

    this.sealing = new Secret("sealing", { description: "Seals customers' secrets", key: secretKey, region }, own);
    this.bootstrap = new Handler<BootstrapEnvironment>(
      "bootstrap",
      {
        // It runs once a deployment, always the newest.
        defaults: { ...defaults, gradual: false },
        entry: "runtime/subscriptions/bootstrap.ts",
        environment: {
          ...database.variables,
          KEYS_TABLE: keys.tableName,
          PEPPER_SECRET: keys.pepperArn,
          OPERATOR_SECRET: this.operatorKey.secret.arn,
          CURSOR_SECRET: this.cursorSecret.secret.arn,
          SEALING_SECRET: this.sealing.secret.arn,
          EVENT_SHARDS: shards,
        },
        permissions: [
          database.toConnect,
          ...keys.to("dynamodb:GetItem", "dynamodb:PutItem"),
          ...keys.pepperToRead(),
          ...keys.pepperToWrite(),
          ...[this.operatorKey, this.cursorSecret, this.sealing].flatMap((secret) => [
            ...secret.toRead(),
            ...secret.toWrite(),
          ]),
        ],
        timeoutSeconds: 300,
        network: database.reach,
      },
      own,
    );
    // Runs again whenever the code changes, hence with every new migration, before the functions that need it.
    this.ready = new aws.lambda.Invocation(
      "bootstrap",
      {
        functionName: this.bootstrap.function.name,
        input: JSON.stringify({ code: this.bootstrap.codeHash }),
        triggers: { code: this.bootstrap.codeHash, shards },
      },
      { parent: this, dependsOn: [database.ready] },
    );
    this.service = new Handler<SubscriptionsEnvironment>(
      "subscriptions",
      {
        defaults,
        entry: "runtime/subscriptions/handler.ts",
        environment: { ...database.variables, SEALING_SECRET: this.sealing.secret.arn },
        permissions: [database.toConnect, ...this.sealing.toRead()],
        network: database.reach,
      },
      { parent: this, dependsOn: [this.ready] },
    );
    this.registerOutputs();
  }
}
