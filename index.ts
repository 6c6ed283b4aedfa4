/**
 * The platform on one page. An event's way:
 *
 *   caller ── edge ──> ingest ──> pipeline ──> delivery ──> webhook
 *             │          │           │             │
 *            keys      cache   subscriptions     store ──> retention (archive, exports, jobs)
 *             │                      │
 *             └────────> api <───────┘          customers manage all of it
 *
 * Each part is handed what it passes work on to, so the page reads from the far end back to the edge.
 */
import type * as pulumi from "@pulumi/pulumi";
import { Backups } from "./components/backups.ts";
import { DeliveryEngine } from "./components/deliveryEngine.ts";
import { EventPipeline } from "./components/eventPipeline.ts";
import { EventStore } from "./components/eventStore.ts";
import { Foundation } from "./components/foundation.ts";
import { GradualDeploys } from "./components/gradualDeploys.ts";
import { IngestEdge } from "./components/ingestEdge.ts";
import { KeyDirectory } from "./components/keyDirectory.ts";
import { ManagementApi } from "./components/managementApi.ts";
import { Observability } from "./components/observability.ts";
import { Retention } from "./components/retention.ts";
import { readSettings } from "./components/settings.ts";
import { SubscriptionStore } from "./components/subscriptionStore.ts";

const settings = readSettings();
const { region, protect, multiAz, allowLoopbackWebhooks } = settings;

// Ground: logs, network, cache; and who may call.
const { defaults, logs, network, cache, tracing } = new Foundation("foundation", settings);
const keys = new KeyDirectory("keys", { region, regions: settings.keyRegions, protect });

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
const edge = new IngestEdge("edge", {
  region,
  defaults,
  cache,
  keys,
  store,
  pipeline,
  subscriptions,
  api,
  logs,
  provisionedConcurrency: settings.ingestConcurrency,
  domain: settings.domain,
});

// What outlives a mistake, and who watches.
new Backups("backups", {
  resources: [keys.table.table.arn, subscriptions.database.instance.arn],
  keepDays: settings.backupDays,
  protect,
});
const queues = {
  ingest: pipeline.ingest,
  delivery: delivery.delivery,
  retry: delivery.retry,
  notice: delivery.notice,
  jobs: retention.jobs,
};
const handlers = {
  ingest: edge.ingest,
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
  tables: { events: store.events, metrics: store.metrics, keys: keys.table },
  edge,
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

/** Where callers send their requests. */
export const url: pulumi.Output<string> = edge.url;
/** Secret that holds the operator's API key. */
export const operatorSecret = subscriptions.operatorKey.secret.arn;
export const eventsTable = store.events.table.name;
export const keysTable = keys.table.table.name;
/** Secret with the peppers of API keys, for `npm run pepper`. */
export const pepperSecret = keys.pepper.secret.arn;
export const archiveBucket = retention.archive.bucket.bucket;
export const ingestQueueUrl = pipeline.ingest.queue.url;
export const deadLetterQueueUrls = Object.values(queues).map(({ dead }) => dead.url);
/** Secret for the headers of `otlpEndpoint`, empty without it; its value is `name=value,name=value`. */
export const otlpHeadersSecret = tracing.headers?.secret.arn ?? "";
/** What .github/scripts/shift.sh moves traffic by. */
export const deployments = deploys.deployments;
/** Topic that alarms speak through. */
export const alarmTopic = watch.topic;
