import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Histogram } from "../histogram.ts";
import { brokenQuotas } from "./broken.ts";
import type { QuotaName, Quotas } from "./quotas.ts";
import { Clock, Fifo, Tokens } from "./stage.ts";

/**
 * A discrete-event simulation of the deployment: edge -> ingest -> queue -> route -> queue -> deliver -> endpoint, one
 * simulated object a request (the unit the platform bills and stores by), under the account's quotas and ramp rates.
 * Each wait and each refusal is charged to the quota that caused it.
 */

/** Seconds unless said otherwise: medians of what the handlers take, from the benches, plus the services' own latency. */
export interface Timings {
  readonly edge: number;
  readonly ingest: number;
  readonly coldStart: number;
  readonly queue: number;
  readonly routeInvocation: number;
  readonly routeMessage: number;
  readonly deliverInvocation: number;
  readonly endpoint: number;
  /** Spread of every duration: sigma of its log-normal distribution. */
  readonly spread: number;
}

const defaultTimings: Timings = {
  edge: 0.004,
  ingest: 0.012,
  coldStart: 0.35,
  queue: 0.015,
  routeInvocation: 0.025,
  routeMessage: 0.004,
  deliverInvocation: 0.02,
  endpoint: 0.12,
  spread: 0.5,
};

/**
 * The processors that everything shares where all runs on one machine, and what each step takes of them, in seconds: of
 * AWS's nobody is short.
 */
export interface Processors {
  readonly cores: number;
  /** A request until it is answered, with what sends it. */
  readonly accept: number;
  /** A message through route, and through deliver with the endpoint. */
  readonly route: number;
  readonly deliver: number;
}

export interface Load {
  readonly eventsPerRequest: number;
  readonly eventBytes: number;
  /** Packed size over raw size. */
  readonly compression: number;
  /** Deliveries (batch x subscription) a request. */
  readonly fanOut: number;
  /** Share of the load that the busiest customer sends. */
  readonly busiest: number;
  /** Requests per second at a time, 0 when the run is over. */
  requestsPerSecond(second: number): number;
  readonly seconds: number;
  /** Messages that one delivery invocation posts at once. */
  readonly concurrentPosts: number;
}

export interface Outcome {
  readonly requests: number;
  readonly refused: number;
  readonly accept: Histogram;
  /** Requests accepted before the load ended. */
  readonly acceptedInTime: number;
  readonly endToEnd: Histogram;
  /** Messages waiting, each second, before route and before deliver. */
  readonly backlog: readonly { readonly second: number; readonly route: number; readonly deliver: number }[];
  /** Seconds after the load ended until everything was delivered; undefined when it never was. */
  readonly drainSeconds: number | undefined;
  /** By quota: first second it was felt, and how often. */
  readonly felt: ReadonlyMap<QuotaName, { readonly second: number; readonly times: number }>;
  /** By quota: the second from which it held back more than a twentieth of the requests for three seconds on end. */
  readonly broke: ReadonlyMap<QuotaName, number>;
}

interface Request {
  readonly arrived: number;
  accepted: number;
  readonly hot: boolean;
  left: number;
}

const BATCH = 10;
const DRAIN = 900;
/** Seconds that route waits in all for a stream that refuses records. */
const ARCHIVE_PAUSES = 0.35;
/** Seconds since it arrived, from which on a request that waits for an invocation is late. */
const LATE = 1;

/** An environment at the edge serves ten requests a second at most. Source: CloudFront quotas, Lambda@Edge. */
const EDGE_HELD = 0.1;

/** @param processors what is shared by all, on one machine; undefined in AWS */
export function simulate(
  quotas: Quotas,
  load: Load,
  timings: Timings = defaultTimings,
  seed = 1,
  processors?: Processors,
): Outcome {
  const clock = new Clock();
  const dice = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(dice);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const lasting = (median: number) => median * Math.exp(timings.spread * normal());

  const felt = new Map<QuotaName, { second: number; times: number; bySecond: Map<number, number> }>();
  const feel = (quota: QuotaName): void => {
    const second = Math.floor(clock.now);
    const known = felt.get(quota) ?? { second, times: 0, bySecond: new Map<number, number>() };
    felt.set(quota, known);
    known.times += 1;
    known.bySecond.set(second, (known.bySecond.get(second) ?? 0) + 1);
  };
  const shared = new Tokens(clock, processors?.cores ?? 1, 0.01);
  /** Seconds until the processors have done this much more, and all that was asked of them before. */
  const computing = (seconds = 0): number => (processors === undefined ? 0 : seconds + shared.take(seconds));

  const accept = new Histogram();
  const endToEnd = new Histogram();
  let requests = 0;
  let refused = 0;
  let undelivered = 0;
  let acceptedInTime = 0;

  // One pool of Lambda environments for the region; each function also has its own warm ones and its own scaling budget.
  let running = 0;
  const functionOf = (warm: number) => {
    let environments = warm;
    let busy = 0;
    let budget = quotas.lambdaScalingPer10s;
    const refill = () => {
      budget = quotas.lambdaScalingPer10s;
      clock.after(10, refill);
    };
    clock.after(10, refill);
    return {
      environments: () => environments,
      /** Starts an invocation: seconds of cold start, or undefined when there is no environment to be had. */
      start(): number | undefined {
        if (running >= quotas.lambdaConcurrency) {
          feel("lambdaConcurrency");
          return undefined;
        }
        let cold = 0;
        if (busy >= environments) {
          if (budget <= 0) {
            feel("lambdaScalingPer10s");
            return undefined;
          }
          budget -= 1;
          environments += 1;
          cold = lasting(timings.coldStart);
        }
        busy += 1;
        running += 1;
        return cold;
      },
      stop() {
        busy -= 1;
        running -= 1;
      },
    };
  };

  /**
   * An SQS queue with its mapping: `work` takes up to ten messages and answers after how many seconds they are handed on,
   * and how many more the invocation lasts.
   */
  const stage = (work: (messages: Request[]) => { handOn: number; more: number }, done: (message: Request) => void) => {
    const queue = new Fifo<Request>();
    const lambda = functionOf(0);
    let invocations = 0;
    const allowed = (): number =>
      quotas.provisionedPollers > 0
        ? quotas.provisionedPollers * 10
        : Math.min(quotas.pollerMax, quotas.pollerStart + (quotas.pollerRampPerMinute * clock.now) / 60);
    const pump = (): void => {
      while (queue.length > 0) {
        if (invocations >= allowed()) {
          // That batches fill while all invocations are busy is as it should be, as long as nothing waits for long.
          if (clock.now - (queue.first?.arrived ?? clock.now) <= LATE) return;
          feel(
            quotas.provisionedPollers > 0
              ? "provisionedPollers"
              : clock.now * quotas.pollerRampPerMinute > quotas.pollerMax * 60
                ? "pollerMax"
                : "pollerRampPerMinute",
          );
          return;
        }
        if (invocations * BATCH >= quotas.sqsInFlight) {
          feel("sqsInFlight");
          return;
        }
        const cold = lambda.start();
        if (cold === undefined) return;
        const messages: Request[] = [];
        while (messages.length < BATCH) {
          const next = queue.shift();
          if (next === undefined) break;
          messages.push(next);
        }
        invocations += 1;
        const { handOn, more } = work(messages);
        clock.after(cold + handOn, () => {
          for (const message of messages) done(message);
        });
        clock.after(cold + handOn + more, () => {
          invocations -= 1;
          lambda.stop();
          pump();
        });
      }
    };
    const tick = (): void => {
      pump();
      clock.after(0.5, tick);
    };
    clock.after(0.5, tick);
    return {
      send(message: Request) {
        queue.push(message);
        pump();
      },
      waiting: () => queue.length,
    };
  };

  const packedBytes = load.eventsPerRequest * load.eventBytes * load.compression;
  const batchUnits = Math.max(1, Math.ceil(packedBytes / 1_024));
  const table = new Tokens(clock, Math.min(quotas.tableWriteUnits, quotas.tableWarmWriteUnits), 5);
  let peak = table.rate;
  const warm = (): void => {
    // On-demand tables follow to twice the previous peak within half an hour, up to the account's limit.
    peak = Math.min(quotas.tableWriteUnits, peak * 2);
    table.rate = peak;
    clock.after(1_800, warm);
  };
  clock.after(1_800, warm);
  const hotPartitions = new Tokens(clock, quotas.partitionWriteUnits * quotas.shards, 1);
  const firehose = new Tokens(clock, quotas.firehoseBytesPerSecond * quotas.firehoseStreams, 1);
  const write = (message: Request, units: number): number => {
    const forTable = table.take(units);
    if (forTable > 0) feel(table.rate < quotas.tableWriteUnits ? "tableWarmWriteUnits" : "tableWriteUnits");
    const forPartition = message.hot ? hotPartitions.take(units) : 0;
    if (forPartition > 0) feel("partitionWriteUnits");
    return Math.max(forTable, forPartition);
  };

  const deliver = stage(
    (messages) => {
      const rounds = Math.ceil((messages.length * load.fanOut) / load.concurrentPosts);
      let posting = 0;
      for (let i = 0; i < rounds; i += 1) posting += lasting(timings.endpoint) * (messages.length > 1 ? 1.6 : 1);
      const writing = Math.max(...messages.map((message) => write(message, load.fanOut)));
      return {
        handOn: lasting(timings.deliverInvocation) + posting + computing(messages.length * (processors?.deliver ?? 0)),
        more: Math.min(writing, 30),
      };
    },
    (message) => {
      undelivered -= 1;
      endToEnd.add((clock.now - message.arrived) * 1_000);
    },
  );
  const route = stage(
    (messages) => {
      const writing = Math.max(...messages.map((message) => write(message, batchUnits)));
      const archiving = firehose.take(messages.length * load.eventsPerRequest * load.eventBytes);
      if (archiving > 0) feel("firehoseBytesPerSecond");
      // Deliveries do not wait for the archive; the invocation does, for three pauses, then the message is tried again later.
      return {
        handOn:
          lasting(timings.routeInvocation) +
          messages.length * timings.routeMessage +
          Math.min(writing, 30) +
          computing(messages.length * (processors?.route ?? 0)),
        more: Math.min(archiving, ARCHIVE_PAUSES),
      };
    },
    (message) => clock.after(lasting(timings.queue), () => deliver.send(message)),
  );

  const ingest = functionOf(quotas.ingestProvisioned);
  const edge = new Tokens(clock, quotas.edgeRequestsPerSecond * quotas.edgeRegions, 1);
  const arrive = (): void => {
    requests += 1;
    const request: Request = { arrived: clock.now, accepted: 0, hot: uniform() < load.busiest, left: load.fanOut };
    if (!edge.takeNow()) {
      feel("edgeRequestsPerSecond");
      refused += 1;
      return;
    }
    // Of the regions that callers are near to, the home region's environments are those that the pipeline needs, too.
    if (uniform() < 1 / quotas.edgeRegions) {
      if (running >= quotas.lambdaConcurrency) {
        feel("lambdaConcurrency");
        refused += 1;
        return;
      }
      running += 1;
      clock.after(EDGE_HELD, () => {
        running -= 1;
      });
    }
    clock.after(lasting(timings.edge), () => {
      const cold = ingest.start();
      if (cold === undefined) {
        refused += 1;
        return;
      }
      if (ingest.environments() > quotas.cacheConnections) feel("cacheConnections");
      clock.after(cold + lasting(timings.ingest) + computing(processors?.accept), () => {
        ingest.stop();
        accept.add((clock.now - request.arrived) * 1_000);
        undelivered += 1;
        if (clock.now <= load.seconds) acceptedInTime += 1;
        clock.after(lasting(timings.queue), () => route.send(request));
      });
    });
  };
  const arrivals = (): void => {
    const rate = load.requestsPerSecond(clock.now);
    if (clock.now >= load.seconds) return;
    if (rate <= 0) {
      clock.after(0.1, arrivals);
      return;
    }
    clock.after(-Math.log(1 - uniform()) / rate, () => {
      arrive();
      arrivals();
    });
  };
  arrivals();

  const backlog: { second: number; route: number; deliver: number }[] = [];
  let drainSeconds: number | undefined;
  for (let second = 1; second <= load.seconds + DRAIN; second += 1) {
    clock.run(second);
    backlog.push({ second, route: route.waiting(), deliver: deliver.waiting() });
    if (second >= load.seconds && undelivered === 0) {
      drainSeconds = second - load.seconds;
      break;
    }
  }
  const broke = brokenQuotas(new Map([...felt].map(([quota, { bySecond }]) => [quota, bySecond])), (second) =>
    load.requestsPerSecond(Math.min(second, load.seconds)),
  );
  return { requests, refused, accept, acceptedInTime, endToEnd, backlog, drainSeconds, felt, broke };
}
