import * as pulumi from "@pulumi/pulumi";
import type { HomeServiceEnvironment, RelayEnvironment } from "../../runtime/standby/environment.ts";
import { DataBucket } from "../blocks/dataBucket.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import { through } from "../blocks/permissions.ts";
import { type Scaling, WAITS_FOR_DAYS, WorkQueue } from "../blocks/workQueue.ts";
import type { Home } from "../stack/otherStacks.ts";

// Invariant: an accepted event is on `ingest`, on `ingest`'s dead-letter queue, or on the home region's ingest queue: relay
// deletes a message only after the home region's queue has it.

export interface RelayArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly logs: DataBucket;
  readonly home: Home;
  /** How fast the queue is worked off. */
  readonly scaling: Scaling;
  readonly protect: boolean;
}

/** What a standby region keeps until the home region can have it, and the functions that reach over there. */
export class Relay extends pulumi.ComponentResource {
  /** Accepted requests, one message each. */
  readonly ingest: WorkQueue;
  readonly payloads: DataBucket;
  readonly relay: Handler<RelayEnvironment>;
  /** Asks the subscriptions service of the home region, for functions in the private network that can't. */
  readonly subscriptions: Handler<HomeServiceEnvironment>;
  /** Encrypts the queue. */
  readonly key: EncryptionKey;

  constructor(name: string, args: RelayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Relay", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, home, protect } = args;
    this.key = new EncryptionKey(name, { purpose: "Accepted requests before they are relayed", protect }, own);
    const consumerSeconds = 30;
    this.ingest = new WorkQueue(
      "ingest",
      { key: this.key, region, consumerSeconds, maxReceives: WAITS_FOR_DAYS, protect },
      own,
    );
    const payloadKey = new EncryptionKey("payloads", { purpose: "Payloads too large for the queue", protect }, own);
    this.payloads = new DataBucket(
      "payloads",
      {
        key: payloadKey,
        region,
        accessLogs: args.logs,
        // A copy of each goes home with its message, which is on a queue for 14 days at most, and dead for as long again.
        ageing: [{ prefix: "", deleteAfterDays: 30 }],
        protect,
      },
      own,
    );
    this.relay = new Handler<RelayEnvironment>(
      "relay",
      {
        defaults,
        entry: "runtime/standby/relayHandler.ts",
        environment: {
          HOME_REGION: home.region,
          HOME_QUEUE_URL: home.queue_url,
          HOME_PAYLOAD_BUCKET: home.payload_bucket,
          INGEST_QUEUE_URL: this.ingest.queue.url,
          INGEST_DEAD_URL: this.ingest.dead.url,
          PAYLOAD_BUCKET: this.payloads.bucket.bucket,
        },
        permissions: [
          ...this.ingest.toConsume(),
          ...this.ingest.toGiveBack(),
          ...this.payloads.toRead(),
          { actions: ["sqs:SendMessage"], resources: [home.queue_arn] },
          through(home.queue_key_arn, "sqs", home.region, ["kms:Decrypt", "kms:GenerateDataKey"]),
          { actions: ["s3:PutObject"], resources: [pulumi.interpolate`${home.payload_bucket_arn}/*`] },
          through(home.payload_key_arn, "s3", home.region, ["kms:Decrypt", "kms:GenerateDataKey"]),
        ],
        timeoutSeconds: consumerSeconds,
      },
      own,
    );
    this.ingest.feed("relay-ingest", this.relay, args.scaling);
    this.subscriptions = new Handler<HomeServiceEnvironment>(
      "subscriptions",
      {
        defaults,
        entry: "runtime/standby/homeService.ts",
        environment: { HOME_REGION: home.region, HOME_SUBSCRIPTIONS_FUNCTION: home.subscriptions_arn },
        permissions: [{ actions: ["lambda:InvokeFunction"], resources: [home.subscriptions_arn] }],
      },
      own,
    );
    this.registerOutputs();
  }
}
