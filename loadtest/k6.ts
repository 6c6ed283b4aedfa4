import { check } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Trend } from "k6/metrics";
import type { Options } from "k6/options";
import { accepted, bodyText, customerOf, shapeOf } from "./payloads.ts";
import { type Scenario, type ScenarioName, scenarios, shortened } from "./scenarios.ts";

/**
 * The k6 side of a suite. Environment:
 *   URL            the platform (default http://127.0.0.1:8080)
 *   API_KEY(S)     the key, or the keys separated by comma, of the customers that send, with subscriptions as they are; or
 *   OPERATOR_KEY   creates the scenario's customers, each with a subscription to RECEIVER_URL
 *   RECEIVER_URL   where the webhooks go; without it nothing is subscribed
 *   SECONDS, RATE  cut the scenario to so many seconds, and multiply its arrival rate
 * Every accepted request is logged as `accepted <first event id> <count> <customer>`: the ledger is made of these lines.
 */

const url = __ENV.URL ?? "http://127.0.0.1:8080";

/** Milliseconds from the time a request was due until it was answered. */
const acceptLatency = new Trend("accept_latency", true);
const inboxLatency = new Trend("inbox_latency", true);
const acceptedEvents = new Counter("accepted_events");
const refused = new Counter("refused_requests");
const failed = new Counter("failed_requests");

interface Prepared {
  readonly keys: readonly string[];
}

const json = (key: string) => ({
  headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  timeout: "60s",
});

function must(response: { status: number; body: unknown }, doing: string): string {
  if (response.status !== 201) exec.test.abort(`${doing}: ${response.status} ${String(response.body).slice(0, 300)}`);
  return String(response.body);
}

/** The customers' keys: given ready made, or of customers created here, each with one subscription to everything. */
function setupFor(scenario: Scenario): () => Prepared {
  return () => {
    const ready = __ENV.API_KEYS ?? __ENV.API_KEY;
    if (ready !== undefined) return { keys: ready.split(",") };
    const operator = __ENV.OPERATOR_KEY;
    if (operator === undefined) exec.test.abort("set API_KEY, API_KEYS or OPERATOR_KEY");
    const keys: string[] = [];
    for (let customer = 0; customer < scenario.customers; customer += 1) {
      const wanted = { name: `load ${scenario.name} ${customer}`, limit_per_second: scenario.limitPerSecond };
      const created = must(
        http.post(`${url}/customers`, JSON.stringify(wanted), json(operator!)),
        "creating a customer",
      );
      const key = (JSON.parse(created) as { api_key: string }).api_key;
      keys.push(key);
      const receiver = __ENV.RECEIVER_URL;
      if (receiver === undefined) continue;
      const all = { workflow_id: "all", webhook_url: `${receiver}/ok/${customer}/all`, event_selector: "order.*" };
      must(http.post(`${url}/subscriptions`, JSON.stringify(all), json(key)), "subscribing");
    }
    return { keys };
  };
}

function optionsFor(scenario: Scenario): Options {
  const { arrival, concurrency } = scenario;
  const vus = { preAllocatedVUs: Math.min(concurrency, 100), maxVUs: concurrency };
  const writing =
    "stages" in arrival
      ? {
          executor: "ramping-arrival-rate" as const,
          startRate: arrival.stages[0]!.requestsPerSecond,
          timeUnit: "1s",
          stages: arrival.stages.map(({ requestsPerSecond, seconds }) => ({
            target: Math.round(requestsPerSecond),
            duration: `${seconds}s`,
          })),
          ...vus,
        }
      : {
          executor: "constant-arrival-rate" as const,
          rate: Math.round(arrival.requestsPerSecond),
          timeUnit: "1s",
          duration: `${arrival.seconds}s`,
          ...vus,
        };
  const reading = {
    executor: "constant-arrival-rate" as const,
    exec: "read",
    rate: scenario.inboxPerSecond ?? 1,
    timeUnit: "1s",
    duration: `${"stages" in arrival ? 1 : arrival.seconds}s`,
    preAllocatedVUs: 20,
    maxVUs: 100,
  };
  return {
    scenarios: {
      write: { ...writing, exec: "write" },
      ...(scenario.inboxPerSecond === undefined ? {} : { read: reading }),
    },
    setupTimeout: "10m",
    discardResponseBodies: false,
    summaryTrendStats: ["min", "med", "avg", "p(90)", "p(95)", "p(99)", "max"],
    thresholds: {
      accept_latency: [`p(95)<${scenario.expect.acceptP95Ms}`],
      failed_requests: ["count==0"],
      ...(scenario.inboxPerSecond === undefined ? {} : { inbox_latency: ["p(95)<300"] }),
      ...(scenario.expect.refusals ? {} : { dropped_iterations: ["count==0"], refused_requests: ["count==0"] }),
    },
  };
}

/** What a suite's file exports: `options`, `setup`, and the functions its arrival calls. */
export function suite(name: ScenarioName) {
  const full: Scenario = scenarios[name];
  const scenario = shortened(full, Number(__ENV.SECONDS ?? Number.POSITIVE_INFINITY), Number(__ENV.RATE ?? 1));
  const bodies = scenario.shapes.map(bodyText);

  const write = ({ keys }: Prepared): void => {
    const n = exec.scenario.iterationInTest;
    const customer = keys.length === 1 ? 0 : customerOf(scenario, n);
    // An arrival-rate executor begins an iteration when it is due or drops it, and a drop fails the run: now is the due time.
    const dueAt = Date.now();
    const response = http.post(`${url}/events`, bodies[shapeOf(scenario, n)]!, json(keys[customer]!));
    acceptLatency.add(Date.now() - dueAt);
    if (response.status === 202) {
      const { first, count } = accepted(String(response.body));
      acceptedEvents.add(count);
      console.log(`accepted ${first} ${count} ${customer}`);
    } else if ((response.status === 429 || response.status === 503) && response.headers["Retry-After"] !== undefined) {
      refused.add(1);
    } else {
      failed.add(1);
      console.log(`failed ${response.status} ${response.error} ${String(response.body).slice(0, 200)}`);
    }
  };

  const read = ({ keys }: Prepared): void => {
    const key = keys[exec.scenario.iterationInTest % keys.length]!;
    const response = http.get(`${url}/inbox?limit=1000&status=delivered&event_type=order.created`, json(key));
    inboxLatency.add(response.timings.duration);
    check(response, { "inbox answers 200": ({ status }) => status === 200 });
  };

  return { options: optionsFor(scenario), setup: setupFor(scenario), write, read };
}
