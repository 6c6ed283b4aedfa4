import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { extent } from "d3-array";
import { administratorOf, type GatewayFile, type LocalFile } from "../../local/platform/state.ts";
import { timeOf } from "../../runtime/domain/ids.ts";
import { rfc3339 } from "../../runtime/domain/time.ts";
import { call } from "../support/platform.ts";
import { EVENT_TYPE } from "./load.ts";

/** Whether the numbers have come through the kills as the events have: once each hour was compared with its store, as it is two hours later. */

const HOUR_MS = 3_600_000;
/** How far the clock has to be ahead of the last event for its hour to be compared. */
export const COMPARED_AFTER_MS = 3 * HOUR_MS;
const TRIES = 20;
const PAUSE_MS = 1_000;

/** What the inbox lists, by event. */
export type Listed = ReadonlyMap<string, { readonly status: string }>;

/** Compares the hours of these events with what is stored, as the hourly job does. */
async function compareHours(state: string, listed: Listed): Promise<void> {
  const gateway = JSON.parse(readFileSync(join(state, "gateway.json"), "utf8")) as GatewayFile;
  const lambda = new LambdaClient(administratorOf(gateway));
  const hours = new Set([...listed.keys()].map((id) => Math.floor(timeOf(id.slice(4)) / HOUR_MS) * HOUR_MS));
  for (const hour of hours) {
    const Payload = Buffer.from(JSON.stringify({ op: "reconcile", hour: rfc3339(hour) }));
    const answer = await lambda.send(new InvokeCommand({ FunctionName: "retain", Payload }));
    if (answer.FunctionError !== undefined)
      throw new Error(`the hour was not compared: ${Buffer.from(answer.Payload ?? []).toString()}`);
  }
  lambda.destroy();
}

/**
 * How many events more or fewer the numbers tell than the inbox lists, in all and by what has become of their deliveries to each endpoint.
 * @param endpoints how many want each event
 */
export async function miscounted(
  state: string,
  local: LocalFile,
  listed: Listed,
  endpoints: number,
): Promise<{ readonly off: number; readonly wrong: readonly string[] }> {
  if (listed.size === 0) return { off: 0, wrong: [] };
  await compareHours(state, listed);
  const times = [...listed.keys()].map((id) => timeOf(id.slice(4)));
  const [first, last] = extent(times) as [number, number];
  const range = { from: rfc3339(first), to: rfc3339(last + 60_000) };
  const totals = async (more: object) => {
    const body = { ...range, measures: ["events"], interval: "none", ...more };
    const { status, json, text } = await call(local.url, "POST", "/metrics/query", { key: local.api_key, body });
    if (status !== 200) throw new Error(`POST /metrics/query: ${status} ${text.slice(0, 300)}`);
    return Number(json.totals.events);
  };
  const filter = { event_type: [EVENT_TYPE] };
  const delivered = [...listed.values()].filter(({ status }) => status === "delivered").length;
  const compared = [
    { what: "events", listed: listed.size, more: { filter } },
    { what: "delivered", listed: delivered * endpoints, more: { filter: { ...filter, status: ["delivered"] } } },
  ];
  let wrong: string[] = [];
  let off = 0;
  for (let tried = 0; tried === 0 || (off > 0 && tried < TRIES); tried += 1) {
    if (tried > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    [wrong, off] = [[], 0];
    for (const { what, listed, more } of compared) {
      const told = await totals(more);
      off += Math.abs(told - listed);
      if (told !== listed) wrong.push(`${what}: the numbers tell ${told}, the inbox lists ${listed}`);
    }
  }
  return { off, wrong };
}
