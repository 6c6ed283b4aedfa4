import * as pulumi from "@pulumi/pulumi";
import type { ConsoleEnvironment } from "../../runtime/console/environment.ts";
import { DataTable } from "../blocks/dataTable.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { OriginOutputs } from "../stack/otherStacks.ts";
import { originOf } from "./ingest.ts";
import type { Keys } from "./keyDirectory.ts";
import type { Publisher } from "./live.ts";

// Invariant: the console's function holds neither rules nor customers' data. It knows who is signed in, and asks the functions
// that serve everybody; it stands outside the private network, for the issuer of a sign-in is on the internet.

type AnyHandler = Handler<Readonly<Record<string, string>>>;

export interface ConsoleArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly keys: Keys;
  /** Closes the sockets of a session that has ended. */
  readonly publisher: Publisher;
  readonly api: AnyHandler;
  readonly ingest: AnyHandler;
  readonly subscriptions: AnyHandler;
  readonly protect: boolean;
}

/** Sessions of people, and the function behind `/console/api` and `/console/session`. */
export class Console extends pulumi.ComponentResource {
  readonly console: Handler<ConsoleEnvironment>;
  readonly sessions: DataTable;
  readonly origin: pulumi.Output<OriginOutputs>;

  constructor(name: string, args: ConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Console", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, keys, publisher, api, ingest, subscriptions, protect } = args;
    const key = new EncryptionKey("sessions", { purpose: "Sessions of people and what they sent today", protect }, own);
    this.sessions = new DataTable(
      "sessions",
      {
        key,
        region,
        partition: ["pk", "S"],
        sort: ["sk", "S"],
        indexes: { by_person: { partition: ["person", "S"], sort: ["session_id", "S"] } },
        expiry: "expires_at",
        protect,
      },
      own,
    );
    this.console = new Handler<ConsoleEnvironment>(
      "console",
      {
        defaults,
        entry: "runtime/console/handler.ts",
        environment: {
          SESSIONS_TABLE: this.sessions.table.name,
          KEYS_TABLE: keys.tableName,
          PEPPER_SECRET: keys.pepperArn,
          SIGN_IN_SECRET: keys.signInArn,
          PUBLISH_FUNCTION: publisher.publish.target.arn,
          API_FUNCTION: api.target.arn,
          INGEST_FUNCTION: ingest.target.arn,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
        },
        permissions: [
          ...this.sessions.to(
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          ...keys.to("dynamodb:GetItem"),
          ...keys.pepperToRead(),
          ...keys.signInToRead(),
          publisher.publish.toInvoke(),
          api.toInvoke(),
          ingest.toInvoke(),
          subscriptions.toInvoke(),
        ],
        memoryMb: 512,
        // As long as the function that it waits for.
        timeoutSeconds: 30,
      },
      own,
    );
    this.origin = originOf("console", this.console, own);
    this.registerOutputs();
  }
}
