import * as pulumi from "@pulumi/pulumi";
import type { RouteEnvironment } from "../runtime/route/environment.ts";
import { EncryptionKey } from "./blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "./blocks/handler.ts";
import type { Tracing } from "./blocks/tracing.ts";
import { type Scaling, WAITS_FOR_DAYS, WorkQueue } from "./blocks/workQueue.ts";
import type { DeliveryEngine } from "./deliveryEngine.ts";
import type { EventStore } from "./platform/eventStore.ts";
import type { Publisher } from "./platform/live.ts";
import type { Retention } from "./retention.ts";

// Invariant: an accepted event is on `ingest`, in the table, or on `ingest`'s dead-letter queue: route deletes a message
// only after everything that follows from it is written.

export interface EventPipelineArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  readonly delivery: DeliveryEngine;
  readonly retention: Retention;
  readonly subscriptions: Handler<Readonly<Record<string, string>>>;
  /** Tells those who watch. */
  readonly publisher: Publisher;
  /** How fast the queue is worked off. */
  readonly scaling: Scaling;
  readonly tracing: Tracing;
  readonly protect: boolean;
}

/** The queue of accepted requests and the function that matches, stores, archives and fans out. */
export class EventPipeline extends pulumi.ComponentResource {
  /** Accepted requests, one message each. */
  readonly ingest: WorkQueue;
  readonly route: Handler<RouteEnvironment>;
  /** Encrypts the queue. */
  readonly key: EncryptionKey;

  constructor(name: string, args: EventPipelineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EventPipeline", name, {}, opts);
    const own = { parent: this };
    const { region, store, delivery, retention, subscriptions, protect } = args;
    this.key = new EncryptionKey(name, { purpose: "Accepted requests before they are routed", protect }, own);
    const consumerSeconds = 30;
    this.ingest = new WorkQueue(
      "ingest",
      { key: this.key, region, consumerSeconds, maxReceives: WAITS_FOR_DAYS, protect },
      own,
    );
    this.route = new Handler<RouteEnvironment>(
      "route",
      {
        defaults: args.defaults,
        entry: "runtime/route/handler.ts",
        environment: {
          EVENTS_TABLE: store.events.table.name,
          EVENT_SHARDS: store.shards,
          METRICS_TABLE: store.metrics.table.name,
          INGEST_QUEUE_URL: this.ingest.queue.url,
          INGEST_DEAD_URL: this.ingest.dead.url,
          NOTICE_QUEUE_URL: delivery.notice.queue.url,
          NOTICE_DEAD_URL: delivery.notice.dead.url,
          DELIVERY_QUEUE_URL: delivery.delivery.queue.url,
          ARCHIVE_STREAM: retention.stream.name,
          PAYLOAD_BUCKET: store.payloads.bucket.bucket,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
          PUBLISH_FUNCTION: args.publisher.publish.target.arn,
          ...args.tracing.environment,
        },
        permissions: [
          ...this.ingest.toConsume(),
          // The rest of a request that takes too much work, and what the platform tells of it.
          ...this.ingest.toSend(),
          ...this.ingest.toGiveBack(),
          ...delivery.notice.toConsume(),
          ...delivery.notice.toGiveBack(),
          ...delivery.delivery.toSend(),
          ...store.events.to(
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
          ),
          ...store.metrics.to("dynamodb:PutItem"),
          ...store.payloads.toRead(),
          // Payloads of events that were erased while they waited on the queue.
          ...store.payloads.toWrite(),
          store.payloads.toDelete(),
          store.payloads.toList(),
          ...retention.toArchive(),
          subscriptions.toInvoke(),
          args.publisher.publish.toInvoke(),
          ...args.tracing.toExport(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: consumerSeconds,
      },
      own,
    );
    this.ingest.feed("route-ingest", this.route, args.scaling);
    delivery.notice.feed("route-notice", this.route);
    this.registerOutputs();
  }
}
