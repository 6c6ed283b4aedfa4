import type { Api, Deps } from "../deps.ts";
import * as alertChannels from "./alertChannels.ts";
import * as alertRules from "./alertRules.ts";
import * as alerts from "./alerts.ts";
import * as audit from "./audit.ts";
import * as backlog from "./backlog.ts";
import * as customerFigures from "./customerFigures.ts";
import * as customers from "./customers.ts";
import * as deliveries from "./deliveries.ts";
import * as docs from "./docs.ts";
import * as dryRun from "./dryRun.ts";
import * as events from "./events.ts";
import * as eventTypes from "./eventTypes.ts";
import * as health from "./health.ts";
import * as inbox from "./inbox.ts";
import * as incidents from "./incidents.ts";
import * as keys from "./keys.ts";
import * as links from "./links.ts";
import * as live from "./live.ts";
import * as masking from "./masking.ts";
import * as metrics from "./metrics.ts";
import * as people from "./people.ts";
import * as privacy from "./privacy.ts";
import * as problems from "./problems.ts";
import * as referenceTables from "./referenceTables.ts";
import * as rehearse from "./rehearse.ts";
import * as replays from "./replays.ts";
import * as reports from "./reports.ts";
import * as retention from "./retention.ts";
import * as status from "./status.ts";
import * as subscriptionActions from "./subscriptionActions.ts";
import * as subscriptions from "./subscriptions.ts";
import * as usage from "./usage.ts";

/** Every module of routes, in the order in which the documentation shows them. */
export const routes: readonly ((app: Api, deps: Deps) => void)[] = [
  dryRun.register,
  events.register,
  inbox.register,
  deliveries.register,
  replays.register,
  problems.register,
  backlog.register,
  subscriptions.register,
  rehearse.register,
  subscriptionActions.register,
  eventTypes.register,
  referenceTables.register,
  usage.register,
  metrics.register,
  alertRules.register,
  alertChannels.register,
  alerts.register,
  reports.register,
  live.register,
  keys.register,
  // Before what takes an id at its place.
  customerFigures.register,
  customers.register,
  people.register,
  masking.register,
  privacy.register,
  retention.register,
  audit.register,
  health.register,
  status.register,
  incidents.register,
  links.register,
  docs.register,
];
