/**
 * A standby region on one page: it takes events in while the home region can't, keeps them, and relays them there.
 *
 *   edge ──> ingest ──> queue ──> relay ──> the home region's queue
 *              │
 *            cache        watch: does the home region take events in? If not, the edge is told
 */

import * as pulumi from "@pulumi/pulumi";
import { Foundation } from "./components/platform/foundation.ts";
import { GradualDeploys } from "./components/platform/gradualDeploys.ts";
import { HomeWatch } from "./components/platform/homeWatch.ts";
import { Ingest } from "./components/platform/ingest.ts";
import { Relay } from "./components/platform/relay.ts";
import { type Edge, type Home, pepperIn } from "./components/stack/otherStacks.ts";
import type { Settings } from "./components/stack/settings.ts";
import { Observability } from "./components/watch/observability.ts";

export function declareStandby(settings: Settings, edge: Edge, home: Home) {
  const { region, protect } = settings;
  const { defaults, logs, network, cache } = new Foundation("foundation", settings);
  const relay = new Relay("relay", { region, defaults, logs, home, scaling: { pollers: settings.pollers }, protect });
  const ingest = new Ingest("ingest", {
    defaults,
    cache,
    queue: relay.ingest,
    payloads: relay.payloads,
    subscriptions: relay.subscriptions,
    pepper: pepperIn(edge, region),
    network: network.reach,
    provisionedConcurrency: settings.ingestConcurrency,
  });
  const homeWatch = new HomeWatch("watch", { region, defaults, edge, home, queue: relay.ingest, key: relay.key });

  const handlers = {
    ingest: ingest.handler,
    relay: relay.relay,
    subscriptions: relay.subscriptions,
    watch: homeWatch.watch,
  };
  const watch = new Observability("observability", {
    region,
    handlers,
    queues: { ingest: relay.ingest },
    tables: {},
    indexes: {},
    ingest,
    homeWatch: homeWatch.watch,
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
  return {
    standby: pulumi.output({ region, ingest: ingest.origin }),
    ingestQueueUrl: relay.ingest.queue.url,
    deadLetterQueueUrls: [relay.ingest.dead.url],
    /** What .github/scripts/shift.sh moves traffic by. */
    deployments: deploys.deployments,
    /** Topic that alarms speak through. */
    alarmTopic: watch.topic,
  };
}
