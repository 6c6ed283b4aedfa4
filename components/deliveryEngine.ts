import * as pulumi from "@pulumi/pulumi";
import type { DeliverEnvironment, SweepEnvironment } from "../runtime/deliver/environment.ts";
import { EncryptionKey } from "./blocks/encryptionKey.ts";
import { EverySoOften } from "./blocks/everySoOften.ts";
import { Handler, type HandlerDefaults } from "./blocks/handler.ts";
import type { Tracing } from "./blocks/tracing.ts";
import { type Scaling, WAITS_FOR_DAYS, WorkQueue } from "./blocks/workQueue.ts";
import type { EventStore } from "./platform/eventStore.ts";
import type { Publisher } from "./platform/live.ts";
import type { WebhookRules } from "./stack/webhookRules.ts";

// Invariant: functions that post to webhooks stand outside the private network, and first attempts never wait behind retries:
// each kind has a queue of its own.

export interface DeliveryEngineArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  /** The subscriptions service. */
  readonly subscriptions: Handler<Readonly<Record<string, string>>>;
  /** Tells those who watch. */
  readonly publisher: Publisher;
  /** How fast each queue is worked off. */
  readonly scaling: Scaling;
  readonly tracing: Tracing;
  readonly webhooks: WebhookRules;
  /** Posts a second to one host, by all customers. */
  readonly hostLimit: number;
  readonly protect: boolean;
}

/** Queues of first attempts and of retries, the function that posts, and the sweeper that finds due deliveries. */
export class DeliveryEngine extends pulumi.ComponentResource {
  /** First attempts. */
  readonly delivery: WorkQueue;
  /** Later attempts, replays, manual retries. */
  readonly retry: WorkQueue;
  /** What the platform tells its customers in events of their own: route works it off. */
  readonly notice: WorkQueue;
  readonly deliver: Handler<DeliverEnvironment>;
  readonly sweep: Handler<SweepEnvironment>;

  constructor(name: string, args: DeliveryEngineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:DeliveryEngine", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, store, subscriptions, protect } = args;
    const key = new EncryptionKey(name, { purpose: "Queued deliveries", protect }, own);
    const consumerSeconds = 60;
    const common = { key, region, consumerSeconds, maxReceives: WAITS_FOR_DAYS, protect };
    this.delivery = new WorkQueue("delivery", common, own);
    this.retry = new WorkQueue("retry", { ...common, longestDelaySeconds: 900 }, own);
    this.notice = new WorkQueue("notice", common, own);
    const environment = {
      EVENTS_TABLE: store.events.table.name,
      EVENT_SHARDS: store.shards,
      METRICS_TABLE: store.metrics.table.name,
      DELIVERY_QUEUE_URL: this.delivery.queue.url,
      DELIVERY_DEAD_URL: this.delivery.dead.url,
      RETRY_QUEUE_URL: this.retry.queue.url,
      RETRY_DEAD_URL: this.retry.dead.url,
      NOTICE_QUEUE_URL: this.notice.queue.url,
      PAYLOAD_BUCKET: store.payloads.bucket.bucket,
      SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
      PUBLISH_FUNCTION: args.publisher.publish.target.arn,
      ...args.webhooks,
      HOST_LIMIT: String(args.hostLimit),
      ...args.tracing.environment,
    };
    this.deliver = new Handler<DeliverEnvironment>(
      "deliver",
      {
        defaults,
        entry: "runtime/deliver/handler.ts",
        environment,
        permissions: [
          ...this.delivery.toConsume(),
          ...this.delivery.toGiveBack(),
          ...this.retry.toConsume(),
          ...this.retry.toGiveBack(),
          ...this.retry.toSend(),
          ...this.notice.toSend(),
          ...store.events.to(
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          ...store.metrics.to("dynamodb:PutItem"),
          ...store.payloads.toRead(),
          subscriptions.toInvoke(),
          args.publisher.publish.toInvoke(),
          ...args.tracing.toExport(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: consumerSeconds,
      },
      own,
    );
    this.delivery.feed("deliver-delivery", this.deliver, args.scaling);
    this.retry.feed("deliver-retry", this.deliver, { concurrency: args.scaling.concurrency });
    this.sweep = new Handler<SweepEnvironment>(
      "sweep",
      {
        defaults,
        entry: "runtime/deliver/sweeper.ts",
        environment: { EVENTS_TABLE: environment.EVENTS_TABLE, RETRY_QUEUE_URL: environment.RETRY_QUEUE_URL },
        permissions: [...store.events.to("dynamodb:Query", "dynamodb:UpdateItem"), ...this.retry.toSend()],
        timeoutSeconds: 55,
      },
      own,
    );
    new EverySoOften("sweep", { handler: this.sweep, rate: "rate(1 minute)", region, key, dead: this.retry.dead }, own);
    this.registerOutputs();
  }
}
