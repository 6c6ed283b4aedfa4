import pLimit from "p-limit";
import { errorText } from "../aws/log.ts";
import { type MetricsReader, queryMetrics } from "../counters/metrics.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { MAX_FIGURE_FILTERS } from "../domain/live.ts";
import type { MetricsAnswer } from "../domain/metrics/answer.ts";
import { type Measure, measures } from "../domain/metrics/names.ts";
import { MetricsQuery } from "../domain/metrics/query.ts";
import { MINUTE_MS, type Millis, rfc3339 } from "../domain/time.ts";
import {
  beginMeasuring,
  endMeasuring,
  filterText,
  goOnMeasuring,
  groupOf,
  restMeasuring,
} from "../sockets/connections.ts";
import { type PublishPorts, send, standing } from "./publish.ts";

/**
 * Sends figures to those who watch them: of the running minute and the one before, as `POST /metrics/query` tells them. Tenants are in
 * groups, and of each group one invocation at a time does, once a second, for as long as something happens to one of them; so no socket
 * gets them more often.
 */

export interface MeasurePorts extends PublishPorts {
  readonly reader: MetricsReader;
}

const EVERY_MS: Millis = 1_000;
/** Tenants at once. */
const AT_ONCE = 16;
/** Counting may be that much later than what is counted, and the flag of who watches as well. */
const LINGER_MS: Millis = 6_000;
const told: readonly Measure[] = measures;

/** The last two minutes of the measures, filtered. */
function figures(
  { reader, now }: MeasurePorts,
  tenant: Tenant,
  limit_per_second: number,
  filter: unknown,
): Promise<MetricsAnswer> {
  const minute = Math.floor(now() / MINUTE_MS) * MINUTE_MS;
  const query = MetricsQuery.parse({
    measures: told,
    from: rfc3339(minute - MINUTE_MS),
    to: rfc3339(minute + MINUTE_MS),
    interval: "minute",
    filter,
  });
  return queryMetrics(reader, { tenant, limit_per_second }, query);
}

/** @param deadline when it ends in any case: the next that happens begins it anew */
export async function measure(tenant: Tenant, ports: MeasurePorts, deadline: Millis): Promise<void> {
  const { sockets, now, sleep, log } = ports;
  if (!(await beginMeasuring(sockets, tenant, now()))) return;
  const group = groupOf(tenant);
  /** What each socket was sent last. */
  const sent = new Map<string, string>();
  const limit = pLimit(AT_ONCE);
  for (;;) {
    const began = now();
    const happened = await goOnMeasuring(sockets, group, began);
    await limit.map([...happened], async ([each, at]) => {
      try {
        const watching = await tellFigures(each, sent, ports);
        if (!watching || began - at > LINGER_MS) await restMeasuring(sockets, each, at);
      } catch (error) {
        log("warn", "live.figures_not_sent", { tenant: each, error: errorText(error) });
      }
    });
    if (now() >= deadline) {
      await endMeasuring(sockets, group, Number.MAX_SAFE_INTEGER);
      return;
    }
    if (happened.size === 0 && (await endMeasuring(sockets, group, began))) return;
    await sleep(Math.max(0, EVERY_MS - (now() - began)));
  }
}

/** Sends a tenant's figures to those of its sockets that have not got the same before. @returns whether somebody watches them */
async function tellFigures(tenant: Tenant, sent: Map<string, string>, ports: MeasurePorts): Promise<boolean> {
  const watching = (await standing(tenant, ports)).filter(({ subscriptions }) => subscriptions.metrics !== undefined);
  const alike = Map.groupBy(watching, ({ subscriptions, who }) =>
    JSON.stringify([filterText(subscriptions.metrics!), who.limit_per_second]),
  );
  // Sockets that asked for another filter at the same moment may be more than there may be.
  for (const [key, sockets] of [...alike].slice(0, MAX_FIGURE_FILTERS)) {
    const { subscriptions, who } = sockets[0]!;
    const answer = await figures(ports, tenant, who.limit_per_second, subscriptions.metrics!.filter);
    const [before, running] = answer.series[0]?.points ?? [];
    if (running === undefined) continue;
    const text = `${key}${JSON.stringify([running, before])}`;
    const { complete_until } = answer;
    const message = { channel: "metrics", at: rfc3339(ports.now()), complete_until, ...running, previous: before };
    for (const connection of sockets) {
      if (sent.get(connection.connection_id) === text) continue;
      try {
        await send(connection, [message], ports);
        sent.set(connection.connection_id, text);
      } catch (error) {
        // One socket's never keeps the others waiting.
        ports.log("warn", "live.figures_not_sent", { tenant, error: errorText(error) });
      }
    }
  }
  return watching.length > 0;
}
