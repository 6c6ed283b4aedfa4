/**
 * `npm run past -- [--events 18000000] [--days 90]`: gives the demo customer of the running platform (`TRIGGERS_STATE` names another's state)
 * the past of a shop: its requests with their deliveries as route and deliver store them, and their numbers by the code that counts them.
 * Nothing is sent. Then dashboards and lists can be measured over much: `npm run bench -- console/dashboards console/lists`.
 *
 * At its end the platform is asked for its numbers, and they must be those of what was written.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { readArguments } from "../../local/arguments.ts";
import type { LocalFile } from "../../local/platform/state.ts";
import { ApiClient } from "../../local/product/demo/client.ts";
import { type Deployment, localDeployment } from "../../operations/verify/deployment.ts";
import { cubeFilesIn } from "../../runtime/cube/files.ts";
import { hourStart } from "../../runtime/domain/metrics/hours.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../runtime/domain/time.ts";
import { settledHour } from "../../runtime/retain/hourly/hours.ts";
import { factsOf, fillerOf, itemsOf } from "../stored.ts";
import { pastCounter } from "./counting.ts";
import { EVENTS_A_REQUEST, hoursOf, requestOf, type Shop, workflows } from "./traffic.ts";

const { values } = readArguments({
  options: { events: { type: "string", default: "18000000" }, days: { type: "string", default: "90" } },
});
const [events, days] = [Number(values.events), Number(values.days)];

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (!(events >= EVENTS_A_REQUEST) || !(days > 0 && days <= 90))
  fail(`--events takes a number from ${EVENTS_A_REQUEST}, --days one above 0 and up to 90.`);

const state = process.env.TRIGGERS_STATE ?? ".triggers";
const nowhere = (cause: Error): never => fail(cause.message);

function running(): Deployment {
  try {
    return localDeployment(state);
  } catch (cause) {
    return nowhere(cause as Error);
  }
}

const { resources, client, outputs } = running();
const local = JSON.parse(readFileSync(join(state, "local.json"), "utf8")) as LocalFile;
const api = new ApiClient(local.url, local.api_key);
const named = (name: string): string => resources.find((resource) => resource.name === name)!.id;

interface Listed {
  readonly events: readonly unknown[];
}
const listed = await api.json<Listed>("GET", "/inbox?limit=1&acknowledged=all");
if (listed.events.length > 0)
  fail(`The demo customer has events already, and a past would not fit them. Start with "npm start -- --fresh".`);

/** The demo customer with the shop's subscriptions, and with three keys. */
async function shopOf(end: number): Promise<Shop> {
  const subscriptions: Record<string, string> = {};
  for (const [workflow_id, event_type] of Object.entries(workflows)) {
    const wanted = {
      workflow_id,
      webhook_url: `${local.sink_url}/past/${workflow_id}`,
      event_selector: { event_type },
    };
    const made = await api.json<{ subscription_id: string }>("POST", "/subscriptions", wanted);
    subscriptions[workflow_id] = made.subscription_id;
  }
  for (const name of ["till", "warehouse"]) await api.json("POST", "/keys", { name, scopes: ["events:write"] });
  const { keys } = await api.json<{ keys: { key_id: string; environment: string }[] }>("GET", "/keys");
  const operator = new ApiClient(local.url, local.operator_key);
  const { customers } = await operator.json<{ customers: { customer_id: string; name: string }[] }>(
    "GET",
    "/customers",
  );
  return {
    tenant: customers.find(({ name }) => name === "Demo")!.customer_id,
    key_ids: keys.filter(({ environment }) => environment === "live").map(({ key_id }) => key_id),
    subscriptions,
    end,
  };
}

const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
// On the hour: where minutes are gone, the numbers are told by the quarter of an hour.
const from = hourStart(end - days * DAY_MS) + HOUR_MS;
const shop = await shopOf(end);
const dynamodb = new DynamoDBClient(client);
const counters = { dynamodb, name: named("metrics-table") };
const [stored, counted] = [fillerOf({ dynamodb, name: String(outputs.eventsTable) }), fillerOf(counters)];
const s3 = new S3Client({ ...client, forcePathStyle: true });
const files = cubeFilesIn(s3, named("cube-bucket"));
const counter = pastCounter(shop.tenant, { counters, filler: counted, files, now: end, added: settledHour(end) });
const dice = xoroshiro128plus(1);
const began = performance.now();
const written = { events: 0, unmatched: 0, delivered: 0, dead_lettered: 0 };
let n = 0;
let told = 0;
for (const hour of hoursOf(from, end, Math.round(events / EVENTS_A_REQUEST))) {
  for (let i = 0; i < hour.requests; i += 1) {
    const at = hour.from + Math.floor(((hour.to - hour.from) * i) / hour.requests);
    const request = requestOf(shop, at, n, dice);
    n += 1;
    await stored.put(itemsOf(request));
    counter.add(factsOf(request));
    written.events += request.types.length;
    written.unmatched += request.types.length - new Set(request.deliveries.flatMap(({ indexes }) => indexes)).size;
    for (const { indexes, attempts } of request.deliveries)
      written[attempts.at(-1)!.error === null ? "delivered" : "dead_lettered"] += indexes.length;
  }
  await counter.writeUntil(hour.to);
  if (Math.floor((20 * n * EVENTS_A_REQUEST) / events) === told) continue;
  told = Math.floor((20 * n * EVENTS_A_REQUEST) / events);
  const seconds = (performance.now() - began) / 1_000;
  process.stdout.write(`${written.events.toLocaleString("en")} events after ${seconds.toFixed(0)} s\n`);
}
await counter.end();
await Promise.all([stored.end(), counted.end()]);
dynamodb.destroy();
s3.destroy();

const { totals } = await api.json<{ totals: Record<string, number> }>("POST", "/metrics/query", {
  ...{ from: new Date(from).toISOString(), to: new Date(end).toISOString(), interval: "none" },
  measures: Object.keys(written),
});
const text = (figures: Readonly<Record<string, number>>) =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value.toLocaleString("en")}`)
    .join(", ");
process.stdout.write(`written: ${text(written)}\ncounted: ${text(totals)}\n`);
if (Object.entries(written).some(([name, value]) => totals[name] !== value))
  fail("The numbers are not what was written.");
