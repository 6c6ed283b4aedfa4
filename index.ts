/**
 * The platform on one page. An event's way:
 *
 *   caller ── edge ──> ingest ──> pipeline ──> delivery ──> webhook
 *             │          │           │             │
 *            keys      cache   subscriptions     store ──> retention (archive, exports, jobs)
 *             │                      │
 *             └────────> api <───────┘          customers manage all of it
 *
 * A stack has a role: `all` declares all of it. In several regions `edge` declares what stands left of ingest and
 * `region` the rest, the home region; `standby` (standby.ts) is a second region that takes events in while the home can't.
 */
import * as pulumi from "@pulumi/pulumi";
import type { DataBucket } from "./components/blocks/dataBucket.ts";
import { DeliveryEngine } from "./components/deliveryEngine.ts";
import { EventPipeline } from "./components/eventPipeline.ts";
import { IngestEdge } from "./components/ingestEdge.ts";
import { Alerting } from "./components/platform/alerting.ts";
import { ApiProbe } from "./components/platform/apiProbe.ts";
import { Backups } from "./components/platform/backups.ts";
import { Console } from "./components/platform/console.ts";
import { EventStore } from "./components/platform/eventStore.ts";
import { Forgetter } from "./components/platform/forgetter.ts";
import { Foundation, logBucket } from "./components/platform/foundation.ts";
import { GradualDeploys } from "./components/platform/gradualDeploys.ts";
import { Ingest } from "./components/platform/ingest.ts";
import { KeyDirectory, type Keys } from "./components/platform/keyDirectory.ts";
import { LiveSockets, Publisher } from "./components/platform/live.ts";
import { ManagementApi } from "./components/platform/managementApi.ts";
import { MetricsCube } from "./components/platform/metricsCube.ts";
import { SignIn } from "./components/platform/signIn.ts";
import { Retention } from "./components/retention.ts";
import { withFormerNames } from "./components/stack/formerNames.ts";
import { type Home, KeysElsewhere, OtherStacks } from "./components/stack/otherStacks.ts";
import { readSettings } from "./components/stack/settings.ts";
import { ownNames, webhookRules } from "./components/stack/webhookRules.ts";
import { SubscriptionStore } from "./components/subscriptionStore.ts";
import { EdgeWatch } from "./components/watch/edgeWatch.ts";
import { Observability } from "./components/watch/observability.ts";
import { declareStandby } from "./standby.ts";

const settings = readSettings();
const { region, protect, multiAz, allowLoopbackWebhooks } = settings;
const others = await OtherStacks.named(settings);

/** Who may call. */
const declareKeys = () => new KeyDirectory("keys", { region, regions: settings.keyRegions, protect });

/** What outlives a mistake: copied every day. */
const declareBackups = (resources: readonly pulumi.Input<string>[]) =>
  new Backups("backups", { resources, keepDays: settings.backupDays, protect });

/** The public endpoint. @param behind the home region and the bucket of access logs; none while keys are all there is */
function declareEdge(keys: KeyDirectory, behind?: { readonly home: Home; readonly logs: DataBucket }) {
  const standbys = settings.standbyStacks.map((stack) => others.standby(stack));
  const edge = new IngestEdge("edge", {
    region,
    keys,
    behind,
    standbys,
    domain: settings.domain,
    edgeLogs: { logRegions: settings.edgeLogRegions, logRetentionDays: settings.logRetentionDays, protect },
    addressLimit: settings.addressLimit,
  });
  const { distribution } = edge;
  if (distribution !== undefined) new EdgeWatch("edge-watch", { distribution, email: settings.alarmEmail, protect });
  if (edge.url !== undefined) new SignIn("sign-in", { keys, url: edge.url, issuer: settings.signIn, protect });
  return {
    edge: edge.outputs,
    /** Where callers send their requests. */
    url: edge.url,
    keysTable: keys.tableName,
    /** Secret with the peppers of API keys, for `npm run pepper`. */
    pepperSecret: keys.pepperArn,
    /** Where `npm run pages` puts the pages of console and documentation. */
    pagesBucket: edge.pages?.bucket.bucket,
  };
}

/**
 * The home region: everything that happens to an event. Each part is handed what it passes work on to, so this reads from
 * the far end back to ingest.
 * @param keys of this stack or of the edge's. @param backedUp ARNs to back up beside the region's own.
 * @param ownHosts where the platform itself is reached: no webhook. @param publicUrl where customers reach it
 */
function declareHome(
  keys: Keys,
  backedUp: readonly pulumi.Input<string>[],
  ownHosts: pulumi.Input<readonly string[] | undefined>,
  publicUrl: pulumi.Input<string | undefined>,
) {
  const webhooks = webhookRules(allowLoopbackWebhooks, ownHosts);
  // Ground: logs, network, cache.
  const { defaults, logs, network, cache, tracing } = new Foundation("foundation", settings);

  // What customers ask for.
  const subscriptions = new SubscriptionStore("subscriptions", {
    region,
    shards: settings.eventShards,
    defaults,
    keys,
    database: {
      network,
      instanceClass: settings.databaseInstanceClass,
      storageGb: settings.databaseStorageGb,
      backupDays: settings.backupDays,
      logs: defaults,
      multiAz,
      finalSnapshot: settings.finalSnapshot,
      protect,
    },
  });
  const service = subscriptions.service;

  // The event's way, last stage first.
  const store = new EventStore("store", {
    region,
    logs,
    warmWriteUnits: settings.warmWriteUnits,
    tableClass: settings.tableClass,
    shards: settings.eventShards,
    protect,
  });
  const publisher = new Publisher("publisher", { region, defaults, keys, store, subscriptions: service, protect });
  const delivery = new DeliveryEngine("delivery", {
    region,
    defaults,
    store,
    publisher,
    subscriptions: service,
    scaling: { concurrency: settings.deliverConcurrency, pollers: settings.pollers },
    tracing,
    webhooks,
    hostLimit: settings.hostLimit,
    protect,
  });
  const forgetter = new Forgetter("forgetter", { defaults, cache, network: subscriptions.database.reach });
  const cube = new MetricsCube("numbers", { region, defaults, store, logs, protect });
  const retention = new Retention(
    "retention",
    {
      region,
      defaults,
      store,
      delivery,
      subscriptions: service,
      forget: forgetter.handler,
      cube,
      logs,
      bufferSeconds: settings.archiveBufferSeconds,
      auditLockDays: settings.auditLockDays,
      protect,
    },
    withFormerNames,
  );
  const pipeline = new EventPipeline("pipeline", {
    region,
    defaults,
    store,
    delivery,
    retention,
    publisher,
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
    pepper: { arn: keys.pepperArn, toRead: keys.pepperToRead() },
    network: subscriptions.database.reach,
    provisionedConcurrency: settings.ingestConcurrency,
  });
  const queues = {
    ingest: pipeline.ingest,
    delivery: delivery.delivery,
    retry: delivery.retry,
    notice: delivery.notice,
    jobs: retention.jobs,
  };
  const alerting = new Alerting("alerting", {
    region,
    defaults,
    store,
    delivery,
    retention,
    publisher,
    subscriptions: service,
    cube,
    cursorSecret: subscriptions.cursorSecret,
    mailFrom: settings.mailFrom,
    smsFrom: settings.smsFrom,
    protect,
  });
  const api = new ManagementApi("management", {
    region,
    defaults,
    network,
    cache,
    keys,
    store,
    subscriptions,
    delivery,
    retention,
    cube,
    alerting,
    publisher,
    queues: Object.values(queues),
    webhooks,
  });
  const { probe } = new ApiProbe("api-probe", { region, defaults, store, publicUrl, retention });

  const people = new Console("console", {
    region,
    defaults,
    keys,
    publisher,
    api: api.api,
    ingest: ingest.handler,
    subscriptions: service,
    protect,
  });

  const live = new LiveSockets("live", {
    region,
    defaults,
    publisher,
    sessions: people.sessions,
    subscriptions: service,
  });

  // What outlives a mistake, and who watches.
  declareBackups([...backedUp, subscriptions.database.instance.arn]);
  const handlers = {
    ingest: ingest.handler,
    forget: forgetter.handler,
    route: pipeline.route,
    deliver: delivery.deliver,
    sweep: delivery.sweep,
    subscriptions: service,
    api: api.api,
    console: people.console,
    retain: retention.retain,
    cube: cube.handler,
    alert: alerting.alert,
    report: alerting.report,
    probe,
    publish: publisher.publish,
    admit: live.admit,
    live: live.live,
  };
  const watch = new Observability(
    "observability",
    {
      region,
      handlers,
      queues,
      tables: {
        events: store.events.table.name,
        metrics: store.metrics.table.name,
        keys: keys.tableName,
        sessions: people.sessions.table.name,
        sockets: publisher.sockets.table.name,
      },
      indexes: { events: store.events.indexes, sessions: people.sessions.indexes },
      ingest,
      retention,
      subscriptions,
      live: live.stage,
      cache,
      email: settings.alarmEmail,
      monthlyBudgetUsd: settings.monthlyBudgetUsd,
      protect,
    },
    withFormerNames,
  );
  const deploys = new GradualDeploys(
    "deploys",
    {
      enabled: settings.gradualDeploys,
      handlers,
      alarms: watch.functionAlarms,
    },
    withFormerNames,
  );

  const home: Home = {
    region,
    ingest: ingest.origin,
    api: api.origin,
    console: people.origin,
    live: live.host,
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
      /** Secret with the keys that seal what customers entrust, and the function that seals anew, for `npm run sealing`. */
      sealingSecret: subscriptions.sealing.secret.arn,
      bootstrapFunction: subscriptions.bootstrap.function.name,
      eventsTable: store.events.table.name,
      archiveBucket: retention.archive.bucket.bucket,
      ingestQueueUrl: pipeline.ingest.queue.url,
      deadLetterQueueUrls: Object.values(queues).map(({ dead }) => dead.url),
      /** Secret for the headers of `otlpEndpoint`, empty without it; its value is `name=value,name=value`. */
      otlpHeadersSecret: tracing.headers?.secret.arn ?? "",
      /** What .github/scripts/shift.sh moves traffic by. */
      deployments: deploys.deployments,
      /** Names of the CNAME records, below `_domainkey`, that let SES sign mails; empty without `mailFrom`. */
      mailDkimTokens: alerting.dkimTokens,
      /** Topic that alarms speak through. */
      alarmTopic: watch.topic,
    },
  };
}

/** Outputs of the stack, of which a role has some. */
function declareRole() {
  const { role, edgeStack, homeStack } = settings;
  if (role === "standby") return declareStandby(settings, others.edge(edgeStack!), others.home(homeStack!));
  if (role === "region") {
    const edge = others.edge(edgeStack!);
    const publicUrl = pulumi.output(edge.hosts).apply((hosts) => hosts?.map((host) => `https://${host}`)[0]);
    return declareHome(new KeysElsewhere(edge, region), [], edge.hosts, publicUrl).outputs;
  }
  const keys = declareKeys();
  if (role === "edge") {
    declareBackups([keys.table.table.arn]);
    // The regions need the keys before there is a region to put a distribution before.
    if (homeStack === undefined) return declareEdge(keys);
    return declareEdge(keys, { home: others.home(homeStack), logs: logBucket(settings) });
  }
  // The edge is declared after what stands behind it, one part of which asks it how it is.
  let tell: (url: pulumi.Input<string | undefined>) => void = () => undefined;
  const told = new Promise<pulumi.Input<string | undefined>>((resolve) => {
    tell = resolve;
  });
  const ownHosts = ownNames(settings.domain);
  const { home, logs, outputs } = declareHome(keys, [keys.table.table.arn], ownHosts, pulumi.output(told));
  const edge = declareEdge(keys, { home, logs });
  tell(edge.url);
  return { ...outputs, ...edge };
}

export default Object.fromEntries(Object.entries(declareRole()).filter(([, output]) => output !== undefined));
