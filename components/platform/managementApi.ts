import * as pulumi from "@pulumi/pulumi";
import type { ApiEnvironment } from "../../runtime/api/environment.ts";
import type { Cache } from "../blocks/cache.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { Network } from "../blocks/network.ts";
import type { WorkQueue } from "../blocks/workQueue.ts";
import type { DeliveryEngine } from "../deliveryEngine.ts";
import type { Retention } from "../retention.ts";
import type { OriginOutputs } from "../stack/otherStacks.ts";
import type { WebhookRules } from "../stack/webhookRules.ts";
import type { SubscriptionStore } from "../subscriptionStore.ts";
import type { Alerting } from "./alerting.ts";
import type { EventStore } from "./eventStore.ts";
import { originOf } from "./ingest.ts";
import type { Keys } from "./keyDirectory.ts";
import type { Publisher } from "./live.ts";
import type { MetricsCube } from "./metricsCube.ts";

export interface ManagementApiArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  /** Where its function stands. */
  readonly network: Network;
  readonly cache: Cache;
  readonly keys: Keys;
  readonly store: EventStore;
  readonly subscriptions: SubscriptionStore;
  readonly delivery: DeliveryEngine;
  readonly retention: Retention;
  readonly cube: MetricsCube;
  readonly alerting: Alerting;
  /** Whose table tickets are in. */
  readonly publisher: Publisher;
  /** Those whose depth and dead letters `/status` tells. */
  readonly queues: readonly WorkQueue[];
  readonly webhooks: WebhookRules;
}

/** The function behind every path but `POST /events`. */
export class ManagementApi extends pulumi.ComponentResource {
  readonly api: Handler<ApiEnvironment>;
  readonly origin: pulumi.Output<OriginOutputs>;

  constructor(name: string, args: ManagementApiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:ManagementApi", name, {}, opts);
    const own = { parent: this };
    const { cache, keys, store, subscriptions, delivery, retention, cube } = args;
    // CloudWatch, of which `/status` and `/metrics` ask how long messages wait.
    args.network.open("monitoring");
    this.api = new Handler<ApiEnvironment>(
      "api",
      {
        defaults: args.defaults,
        entry: "runtime/api/handler.ts",
        environment: {
          ...subscriptions.database.variables,
          EVENTS_TABLE: store.events.table.name,
          EVENT_SHARDS: store.shards,
          METRICS_TABLE: store.metrics.table.name,
          KEYS_TABLE: keys.tableName,
          LIVE_TABLE: args.publisher.sockets.table.name,
          PEPPER_SECRET: keys.pepperArn,
          REDIS_URL: cache.url,
          REDIS_AUTH_SECRET: cache.token.secret.arn,
          RETRY_QUEUE_URL: delivery.retry.queue.url,
          JOB_QUEUE_URL: retention.jobs.queue.url,
          QUEUE_URLS: pulumi.all(args.queues.map(({ queue }) => queue.url)).apply((urls) => urls.join(" ")),
          DEAD_LETTER_QUEUE_URLS: pulumi.all(args.queues.map(({ dead }) => dead.url)).apply((urls) => urls.join(" ")),
          PAYLOAD_BUCKET: store.payloads.bucket.bucket,
          ARCHIVE_BUCKET: retention.archive.bucket.bucket,
          EXPORT_BUCKET: retention.exports.bucket.bucket,
          AUDIT_BUCKET: retention.audit.bucket.bucket,
          SUBSCRIPTIONS_FUNCTION: subscriptions.service.target.arn,
          DELIVER_FUNCTION: delivery.deliver.target.arn,
          CUBE_FUNCTION: cube.handler.target.arn,
          ALERT_FUNCTION: args.alerting.alert.target.arn,
          REPORT_FUNCTION: args.alerting.report.target.arn,
          ...args.webhooks,
          CURSOR_SECRET: subscriptions.cursorSecret.secret.arn,
          SEALING_SECRET: subscriptions.sealing.secret.arn,
        },
        permissions: [
          subscriptions.database.toConnect,
          subscriptions.service.toInvoke(),
          delivery.deliver.toInvoke(),
          cube.handler.toInvoke(),
          args.alerting.alert.toInvoke(),
          args.alerting.report.toInvoke(),
          ...store.events.to(
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          ...store.metrics.to("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"),
          ...keys.to(
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          ...args.publisher.sockets.to("dynamodb:PutItem"),
          ...keys.pepperToRead(),
          ...cache.token.toRead(),
          ...subscriptions.cursorSecret.toRead(),
          ...subscriptions.sealing.toRead(),
          ...delivery.retry.toSend(),
          ...retention.jobs.toSend(),
          ...args.queues.map((queue) => queue.toCount()),
          { actions: ["cloudwatch:GetMetricData"], resources: ["*"] },
          ...store.payloads.toRead(),
          ...retention.archive.toRead(),
          retention.archive.toList(),
          ...retention.exports.toRead(),
          ...retention.exports.toWrite(),
          ...retention.audit.toRead("access/"),
          retention.audit.toList(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: 29,
        network: args.network.reach,
      },
      { parent: this, dependsOn: [subscriptions.ready] },
    );
    this.origin = originOf("api", this.api, own);
    this.registerOutputs();
  }
}
