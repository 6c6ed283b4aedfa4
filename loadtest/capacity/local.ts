import measured from "./measured.json" with { type: "json" };
import type { Comparison } from "./page.ts";
import { defaultQuotas, type Quotas } from "./quotas.ts";
import { type Processors, simulate, type Timings } from "./simulate.ts";

/** The local platform as the simulation sees it: two invocations at once to begin with, no quotas, two processors. */
const quotas: Quotas = {
  ...defaultQuotas,
  pollerStart: 2,
  pollerMax: 50,
  tableWarmWriteUnits: Number.MAX_SAFE_INTEGER,
  tableWriteUnits: Number.MAX_SAFE_INTEGER,
  partitionWriteUnits: Number.MAX_SAFE_INTEGER,
  firehoseBytesPerSecond: Number.MAX_SAFE_INTEGER,
  ingestProvisioned: 64,
};

/** Loopback instead of a network; the mapping lets a batch fill for 15 ms. */
const timings: Timings = {
  edge: 0.001,
  ingest: 0.001,
  coldStart: 0.05,
  queue: 0.001,
  routeInvocation: 0.015,
  routeMessage: 0,
  deliverInvocation: 0.015,
  endpoint: 0.002,
  spread: 0.3,
};

const EVENTS_PER_REQUEST = 100;
const SECONDS = 60;

/** Each measured run beside its simulation. */
export function compareWithMeasured(): Comparison[] {
  const { accept, route, deliver } = measured.processorMsPerRequest;
  const processors: Processors = {
    cores: 2,
    accept: accept / 1_000,
    route: route / 1_000,
    deliver: deliver / 1_000,
  };
  return measured.runs.map((run) => {
    const load = {
      eventsPerRequest: EVENTS_PER_REQUEST,
      eventBytes: 1_000,
      compression: 0.3,
      fanOut: 1,
      busiest: 1,
      requestsPerSecond: () => run.rate / EVENTS_PER_REQUEST,
      seconds: SECONDS,
      concurrentPosts: 25,
    };
    const { endToEnd, accept: accepted, acceptedInTime } = simulate(quotas, load, timings, 1, processors);
    return {
      rate: run.rate,
      measured: run,
      simulated: {
        acceptP95Ms: accepted.percentile(0.95),
        endToEndP95Ms: endToEnd.percentile(0.95),
        perSecond: (acceptedInTime * EVENTS_PER_REQUEST) / SECONDS,
      },
    };
  });
}
