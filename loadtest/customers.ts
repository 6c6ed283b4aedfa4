import type { Scenario } from "./scenarios.ts";
import type { Target } from "./target.ts";

/** Subscriptions one import call may carry here. */
const IMPORT_PAGE = 1_000;

async function post(url: string, key: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`POST ${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** How the endpoint of the `customer`th customer behaves: the first ones are the failing, then the hanging. */
function endpointOf({ customers, endpoints }: Scenario, customer: number): "ok" | "failing" | "hanging" {
  if (endpoints === undefined) return "ok";
  if (customer < customers * endpoints.failing) return "failing";
  return customer < customers * (endpoints.failing + endpoints.hanging) ? "hanging" : "ok";
}

export interface LoadCustomer {
  readonly key: string;
  /** Undefined for a key that was handed to the run. */
  readonly customer_id?: string;
}

/**
 * Creates the scenario's customers with their subscriptions: the first takes every event, the others never match.
 * With API_KEYS or API_KEY set, those are used as they are.
 */
export async function prepareCustomers(
  target: Target,
  scenario: Scenario,
  receiverUrl: string,
): Promise<LoadCustomer[]> {
  const ready = process.env.API_KEYS ?? process.env.API_KEY;
  if (ready !== undefined) return ready.split(",").map((key) => ({ key }));
  if (target.operatorKey === undefined) throw new Error("set OPERATOR_KEY, or API_KEYS, beside URL");
  const made: LoadCustomer[] = [];
  for (let customer = 0; customer < scenario.customers; customer += 1) {
    const wanted = { name: `load ${scenario.name} ${customer}`, limit_per_second: scenario.limitPerSecond };
    const { api_key, customer_id } = (await post(`${target.url}/customers`, target.operatorKey, wanted)) as {
      api_key: string;
      customer_id: string;
    };
    made.push({ key: api_key, customer_id });
    const all = {
      workflow_id: "all",
      webhook_url: `${receiverUrl}/${endpointOf(scenario, customer)}/${customer}/all`,
      event_selector: "order.*",
    };
    await post(`${target.url}/subscriptions`, api_key, all);
    const others = Array.from({ length: scenario.subscriptions - 1 }, (_, i) => ({
      workflow_id: `never-${i}`,
      webhook_url: `${receiverUrl}/ok/${customer}/never-${i}`,
      event_selector: i % 2 === 0 ? { event_type: `never.${i}` } : `$.amount > ${1e9 + i}`,
    }));
    for (let at = 0; at < others.length; at += IMPORT_PAGE) {
      await post(`${target.url}/subscriptions/import`, api_key, { subscriptions: others.slice(at, at + IMPORT_PAGE) });
    }
  }
  return made;
}
