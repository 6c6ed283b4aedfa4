/**
 * What each load suite does, as data: the same table drives the k6 scripts and the Node generator, so both mean the same
 * by "baseline". Arrival is open: requests are due at fixed times whether or not earlier ones have been answered, and
 * latency counts from the due time, so a slow platform (or generator) cannot flatter the figures.
 */

export interface Stage {
  /** Requests per second that this stage reaches (linearly from the one before), or holds when `hold` is true. */
  readonly requestsPerSecond: number;
  readonly seconds: number;
}

/** A share of requests with this many events of about this many bytes each. Shares of a mix sum to 1. */
export interface Shape {
  readonly share: number;
  readonly events: number;
  readonly bytes: number;
}

export interface Scenario {
  readonly name: string;
  readonly says: string;
  /** A constant rate, or a path of stages. */
  readonly arrival:
    | { readonly requestsPerSecond: number; readonly seconds: number }
    | { readonly stages: readonly Stage[] };
  readonly shapes: readonly Shape[];
  /** How many customers send; requests go to them by weight 1/rank (hot and cold) when `skewed`, evenly otherwise. */
  readonly customers: number;
  readonly skewed?: boolean;
  readonly limitPerSecond: number;
  /** Subscriptions of each customer; the first matches every event, the others match none. */
  readonly subscriptions: number;
  /** Shares of endpoints that answer 500 at first or never answer; each such endpoint is one more subscription. */
  readonly endpoints?: { readonly failing: number; readonly hanging: number };
  /** `GET /inbox` requests per second beside the writing. */
  readonly inboxPerSecond?: number;
  /** Requests in flight at most: VUs in k6, sockets in Node. */
  readonly concurrency: number;
  readonly expect: {
    readonly acceptP95Ms: number;
    readonly endToEndP95Ms: number;
    /** 429 and 503 with Retry-After are part of this scenario, not failures. */
    readonly refusals?: boolean;
  };
}

/** What a scenario is unless it says otherwise: one customer, whose one subscription matches every event. */
const USUAL = {
  shapes: [{ share: 1, events: 100, bytes: 900 }],
  customers: 1,
  limitPerSecond: 1_000_000,
  subscriptions: 1,
  expect: { acceptP95Ms: 100, endToEndP95Ms: 5_000 },
} as const;
/** Offers more than can be accepted. */
const OVERLOAD = {
  ...USUAL,
  concurrency: 600,
  expect: { acceptP95Ms: 2_000, endToEndP95Ms: 60_000, refusals: true },
} as const;

export const scenarios = {
  smoke: {
    ...USUAL,
    name: "smoke",
    says: "a few requests of each kind: does it work at all",
    arrival: { requestsPerSecond: 5, seconds: 10 },
    shapes: [
      { share: 0.5, events: 1, bytes: 900 },
      { share: 0.5, events: 100, bytes: 900 },
    ],
    concurrency: 20,
    expect: { acceptP95Ms: 250, endToEndP95Ms: 5_000 },
  },
  baseline: {
    ...USUAL,
    name: "baseline",
    says: "10,000 events/s in batches of 100 for five minutes",
    arrival: { requestsPerSecond: 100, seconds: 300 },
    concurrency: 200,
  },
  singles: {
    ...USUAL,
    name: "singles",
    says: "1,000 single-event requests/s for two minutes",
    arrival: { requestsPerSecond: 1_000, seconds: 120 },
    shapes: [{ share: 1, events: 1, bytes: 900 }],
    concurrency: 400,
  },
  ramp: {
    ...OVERLOAD,
    name: "ramp",
    says: "batches of 100 from 20 to 300 requests/s: where does it saturate, and does goodput hold beyond",
    arrival: {
      stages: [
        { requestsPerSecond: 20, seconds: 10 },
        { requestsPerSecond: 300, seconds: 140 },
        { requestsPerSecond: 300, seconds: 30 },
      ],
    },
  },
  spike: {
    ...OVERLOAD,
    name: "spike",
    says: "30 requests/s of 100, then ten times that for 30 s, then 30 again: how soon is it normal",
    arrival: {
      stages: [
        { requestsPerSecond: 30, seconds: 30 },
        { requestsPerSecond: 300, seconds: 1 },
        { requestsPerSecond: 300, seconds: 30 },
        { requestsPerSecond: 30, seconds: 1 },
        { requestsPerSecond: 30, seconds: 40 },
      ],
    },
  },
  soak: {
    ...USUAL,
    name: "soak",
    says: "10,000 events/s for thirty minutes: is memory bounded",
    arrival: { requestsPerSecond: 100, seconds: 1_800 },
    concurrency: 200,
  },
  mixed: {
    ...USUAL,
    name: "mixed",
    says: "sizes from 0.2 KB to 1 MB, twenty customers hot and cold, a thousand subscriptions each",
    arrival: { requestsPerSecond: 100, seconds: 120 },
    shapes: [
      { share: 0.55, events: 1, bytes: 200 },
      { share: 0.25, events: 10, bytes: 900 },
      { share: 0.16, events: 100, bytes: 900 },
      { share: 0.035, events: 1, bytes: 50_000 },
      { share: 0.005, events: 1, bytes: 950_000 },
    ],
    customers: 20,
    skewed: true,
    subscriptions: 1_000,
    concurrency: 300,
    expect: { acceptP95Ms: 250, endToEndP95Ms: 5_000 },
  },
  retries: {
    ...USUAL,
    name: "retries",
    says: "half the floor while a fifth of the endpoints fail at first or hang: do healthy ones notice",
    arrival: { requestsPerSecond: 50, seconds: 120 },
    customers: 10,
    endpoints: { failing: 0.1, hanging: 0.1 },
    concurrency: 300,
  },
  isolation: {
    ...USUAL,
    name: "isolation",
    says: "10,000 events/s from ten customers, two of whose endpoints never answer: do the others notice",
    arrival: { requestsPerSecond: 100, seconds: 120 },
    customers: 10,
    endpoints: { failing: 0, hanging: 0.2 },
    concurrency: 300,
  },
  "inbox-under-load": {
    ...USUAL,
    name: "inbox-under-load",
    says: "half the floor while inboxes are read 20 times a second",
    arrival: { requestsPerSecond: 50, seconds: 120 },
    customers: 5,
    inboxPerSecond: 20,
    concurrency: 300,
  },
  limits: {
    ...USUAL,
    name: "limits",
    says: "fifty customers at and over a limit of 100 events/s: each gets its limit, nobody another's",
    arrival: { requestsPerSecond: 100, seconds: 60 },
    shapes: [{ share: 1, events: 100, bytes: 500 }],
    customers: 50,
    skewed: true,
    limitPerSecond: 100,
    concurrency: 300,
    expect: { acceptP95Ms: 250, endToEndP95Ms: 5_000, refusals: true },
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

/** Seconds the scenario lasts. */
export const duration = ({ arrival }: Scenario): number =>
  "stages" in arrival ? arrival.stages.reduce((sum, stage) => sum + stage.seconds, 0) : arrival.seconds;

/** The scenario cut to `seconds` and slowed to `rate` times its arrival: for short runs that check the ledger alone. */
export function shortened(scenario: Scenario, seconds: number, rate = 1): Scenario {
  const scale = Math.min(1, seconds / duration(scenario));
  const arrival =
    "stages" in scenario.arrival
      ? {
          stages: scenario.arrival.stages.map((stage) => ({
            requestsPerSecond: Math.max(1, stage.requestsPerSecond * rate),
            seconds: Math.max(1, Math.round(stage.seconds * scale)),
          })),
        }
      : {
          requestsPerSecond: Math.max(1, scenario.arrival.requestsPerSecond * rate),
          seconds: Math.max(1, Math.round(scenario.arrival.seconds * scale)),
        };
  return { ...scenario, arrival };
}

/**
 * Load that is sent before a run: up to the rate it begins with, over fifteen seconds or a third of the run. Starts and compiles
 * the functions, as the first minutes of any deployment do; counts in the ledger, not in the figures.
 */
export function warmUp(scenario: Scenario): Scenario {
  const { arrival } = scenario;
  const { requestsPerSecond } = "stages" in arrival ? arrival.stages[0]! : arrival;
  const third = Math.max(1, Math.round(Math.min(15, duration(scenario) / 3) / 3));
  const stages = [
    { requestsPerSecond: requestsPerSecond / 10, seconds: 0 },
    { requestsPerSecond, seconds: 2 * third },
    { requestsPerSecond, seconds: third },
  ];
  return { ...scenario, arrival: { stages } };
}

/** Milliseconds from the start at which each request is due, in order. */
export function* dueTimes({ arrival }: Scenario): Generator<number> {
  const stages: readonly Stage[] =
    "stages" in arrival
      ? arrival.stages
      : [
          { requestsPerSecond: arrival.requestsPerSecond, seconds: 0 },
          { requestsPerSecond: arrival.requestsPerSecond, seconds: arrival.seconds },
        ];
  let from = stages[0]?.requestsPerSecond ?? 0;
  let begins = 0;
  let owed = 0;
  for (const { requestsPerSecond: to, seconds } of stages) {
    // Requests due by t seconds into the stage: from*t + (to-from)*t*t/(2*seconds); inverted for each whole request.
    const total = ((from + to) / 2) * seconds;
    let next = 1 - owed;
    for (; next <= total; next += 1) {
      const slope = (to - from) / (2 * seconds);
      const t =
        Math.abs(slope) < 1e-9 ? next / from : (-from + Math.sqrt(from * from + 4 * slope * next)) / (2 * slope);
      yield (begins + t) * 1_000;
    }
    owed = total - (next - 1);
    begins += seconds;
    from = to;
  }
}
