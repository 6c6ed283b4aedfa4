import { Agent, request } from "undici";
import { ulidIn } from "../runtime/domain/ids.ts";
import { Histogram } from "./histogram.ts";
import type { AcceptedRun } from "./ledger.ts";
import { accepted, bodyText, customerOf, shapeOf } from "./payloads.ts";
import { dueTimes, type Scenario } from "./scenarios.ts";

/**
 * The same scenarios without k6: an open-model generator in Node. A request is sent when it is due, or as soon after as
 * this process manages; its latency counts from the due time. A request that finds all sockets taken is dropped and counted.
 */

export interface Generated {
  readonly runs: readonly AcceptedRun[];
  readonly latency: Histogram;
  readonly requests: number;
  readonly refused: number;
  readonly failed: number;
  readonly dropped: number;
  /** Up to ten messages of failures. */
  readonly failures: readonly string[];
}

export async function generate(url: string, keys: readonly string[], scenario: Scenario): Promise<Generated> {
  const agent = new Agent({ connections: scenario.concurrency, pipelining: 1 });
  const bodies = scenario.shapes.map((shape) => Buffer.from(bodyText(shape)));
  const runs: AcceptedRun[] = [];
  const latency = new Histogram();
  const failures: string[] = [];
  let requests = 0;
  let refused = 0;
  let failed = 0;
  let dropped = 0;
  let inFlight = 0;
  const started = performance.now();

  const send = async (n: number, dueAt: number): Promise<void> => {
    const customer = keys.length === 1 ? 0 : customerOf(scenario, n);
    inFlight += 1;
    requests += 1;
    try {
      const answer = await request(`${url}/events`, {
        method: "POST",
        dispatcher: agent,
        headers: { authorization: `Bearer ${keys[customer]!}`, "content-type": "application/json" },
        body: bodies[shapeOf(scenario, n)]!,
      });
      const text = await answer.body.text();
      latency.add(performance.now() - started - dueAt);
      if (answer.statusCode === 202) {
        const { first, count } = accepted(text);
        runs.push({ first: ulidIn("evt", first)!, count, customer });
      } else if (
        (answer.statusCode === 429 || answer.statusCode === 503) &&
        answer.headers["retry-after"] !== undefined
      ) {
        refused += 1;
      } else {
        failed += 1;
        if (failures.length < 10) failures.push(`${answer.statusCode} ${text.slice(0, 200)}`);
      }
    } catch (error) {
      failed += 1;
      if (failures.length < 10) failures.push(String(error));
    } finally {
      inFlight -= 1;
    }
  };

  const pending = new Set<Promise<void>>();
  let n = 0;
  for (const dueAt of dueTimes(scenario)) {
    const wait = dueAt - (performance.now() - started);
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    if (inFlight >= scenario.concurrency) dropped += 1;
    else {
      const sent = send(n, dueAt).finally(() => pending.delete(sent));
      pending.add(sent);
    }
    n += 1;
    // Without a pause here a generator that is behind would never read an answer.
    if (n % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(pending);
  await agent.close();
  return { runs, latency, requests, refused, failed, dropped, failures };
}
