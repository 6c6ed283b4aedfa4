/**
 * A region on one page. An event's way:
 *
 *   edge ──> ingest ──> pipeline ──> delivery ──> webhook
 *              │           │             │
 *            cache   subscriptions     store ──> retention (archive, exports, jobs)
 *                          │
 *                         api <── customers manage all of it
 *
 * Each part is handed what it passes work on to, so the page reads from the far end back to ingest.
 */
import * as pulumi from "@pulumi/pulumi";
import { Backups } from "../components/backups.ts";
import { DeliveryEngine } from "../components/deliveryEngine.ts";
import { EventPipeline } from "../components/eventPipeline.ts";
import { EventStore } from "../components/eventStore.ts";
import { Foundation } from "../components/foundation.ts";
import { GradualDeploys } from "../components/gradualDeploys.ts";
import { Ingest } from "../components/ingest.ts";
import type { Keys } from "../components/keyDirectory.ts";
import { ManagementApi } from "../components/managementApi.ts";
import { Observability } from "../components/observability.ts";
import type { Home } from "../components/otherStacks.ts";
import { Retention } from "../components/retention.ts";
import type { Settings } from "../components/settings.ts";
import { SubscriptionStore } from "../components/subscriptionStore.ts";

/** What outlives a mistake. @param resources ARNs of what is copied daily */
export const declareBackups = (
  { backupDays: keepDays, protect }: Settings,
  resources: readonly pulumi.Input<string>[],
): Backups => new Backups("backups", { resources, keepDays, protect });

/**
 * Everything of the home region.
 * @param keys the key directory, of this stack or of the edge's
 * @param backedUp ARNs of what the stack has to back up beside the region's own
 */
export function declareRegion(settings: Settings, keys: Keys, backedUp: readonly pulumi.Input<string>[]) {
  const { region, protect, multiAz, allowLoopbackWebhooks } = settings;

  // Ground: logs, network, cache.
  const { defaults, logs, network, cache, tracing } = new Foundation("foundation", settings);

  // What customers ask for.
  const subscriptions = new SubscriptionStore("subscriptions", {
    region,
    defaults,
    keys,
    database: {
      network,
      instanceClass: settings.databaseInstanceClass,
      storageGb: settings.databaseStorageGb,
      backupDays: settings.backupDays,
      multiAz,
      protect,
    },
  });
  const service = subscriptions.service;

  // The event's way, last stage first.
  const store = new EventStore("store", { region, logs, protect });
  const delivery = new DeliveryEngine("delivery", {
    region,
    defaults,
    store,
    subscriptions: service,
    scaling: { concurrency: settings.deliverConcurrency, pollers: settings.pollers },
    tracing,
    allowLoopbackWebhooks,
    protect,
  });
  const retention = new Retention("retention", {
    region,
    defaults,
    store,
    delivery,
    subscriptions: service,
    logs,
    bufferSeconds: settings.archiveBufferSeconds,
    auditLockDays: settings.auditLockDays,
    protect,
  });
  const pipeline = new EventPipeline("pipeline", {
    region,
    defaults,
    store,
    delivery,
    retention,
    subscriptions: service,
    scaling: { concurrency: settings.routeConcurrency, pollers: settings.pollers },
    tracing,
    protect,
  });
  const ingest = new Ingest("ingest", {
    defaults,
    cache,
    queue: pipeline.ingest,
    payloads: store.payloads,
    subscriptions: service,
    network: subscriptions.database.reach,
    provisionedConcurrency: settings.ingestConcurrency,
  });
  const api = new ManagementApi("management", {
    region,
    defaults,
    cache,
    keys,
    store,
    subscriptions,
    delivery,
    retention,
    allowLoopbackWebhooks,
  });

  // What outlives a mistake, and who watches.
  declareBackups(settings, [...backedUp, subscriptions.database.instance.arn]);
  const queues = {
    ingest: pipeline.ingest,
    delivery: delivery.delivery,
    retry: delivery.retry,
    notice: delivery.notice,
    jobs: retention.jobs,
  };
  const handlers = {
    ingest: ingest.handler,
    route: pipeline.route,
    deliver: delivery.deliver,
    sweep: delivery.sweep,
    subscriptions: service,
    api: api.api,
    job: retention.job,
  };
  const watch = new Observability("observability", {
    region,
    handlers,
    queues,
    tables: { events: store.events.table.name, metrics: store.metrics.table.name, keys: keys.tableName },
    ingest,
    retention,
    subscriptions,
    cache,
    email: settings.alarmEmail,
    monthlyBudgetUsd: settings.monthlyBudgetUsd,
    protect,
  });
  const deploys = new GradualDeploys("deploys", {
    enabled: settings.gradualDeploys,
    handlers,
    alarms: watch.functionAlarms,
  });

  const home: Home = {
    region,
    ingest: ingest.origin,
    api: api.origin,
    ingest_arn: ingest.handler.target.arn,
    subscriptions_arn: service.target.arn,
    queue_url: pipeline.ingest.queue.url,
    queue_arn: pipeline.ingest.queue.arn,
    queue_key_arn: pipeline.key.arn,
    payload_bucket: store.payloads.bucket.bucket,
    payload_bucket_arn: store.payloads.bucket.arn,
    payload_key_arn: store.payloadKey.arn,
  };
  return {
    home,
    logs,
    outputs: {
      home: pulumi.output(home),
      /** Secret that holds the operator's API key. */
      operatorSecret: subscriptions.operatorKey.secret.arn,
      eventsTable: store.events.table.name,
      archiveBucket: retention.archive.bucket.bucket,
      ingestQueueUrl: pipeline.ingest.queue.url,
      deadLetterQueueUrls: Object.values(queues).map(({ dead }) => dead.url),
      /** Secret for the headers of `otlpEndpoint`, empty without it; its value is `name=value,name=value`. */
      otlpHeadersSecret: tracing.headers?.secret.arn ?? "",
      /** What .github/scripts/shift.sh moves traffic by. */
      deployments: deploys.deployments,
      /** Topic that alarms speak through. */
      alarmTopic: watch.topic,
    },
  };
}
