/**
 * A minute of 100,000 alert rules: customers with those that everybody begins with. A minute in which all of them are
 * active is the most expensive one: it is evaluated by a function that knows no rules yet, then by one that does. Then follow minutes in
 * which one customer in a hundred was active, and one alone. Rules are in PostgreSQL (PGlite), numbers in a table in memory: what is measured is the function, and what it asks
 * for. `RULES=10000` is a short form.
 */
import type { AttributeValue, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { type TickPorts, tick } from "../../../runtime/alert/tick.ts";
import type { Service } from "../../../runtime/aws/service.ts";
import { defaultRules } from "../../../runtime/domain/alerts/rule.ts";
import type { ServiceRequest } from "../../../runtime/domain/service.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";
import { serve } from "../../../runtime/subscriptions/service.ts";
import { startDatabase } from "../../support/database.ts";
import { testVault } from "../../support/vault.ts";
import { tickPorts } from "./world.ts";

const MINUTE = 60_000;
const CUSTOMERS = Math.ceil(Number(process.env.RULES ?? 100_000) / defaultRules.length);
const RULES = CUSTOMERS * defaultRules.length;
/** Environments that count; each writes items of its own. */
const WRITERS = 8;

type Item = Record<string, AttributeValue>;
interface Input {
  readonly Item?: Item;
  readonly Key?: Item;
  readonly ExpressionAttributeValues?: Item;
}
/** Items by partition and sort key. */
const partitions = new Map<string, Map<string, Item>>();
let queries = 0;
const table = {
  send: async ({ constructor: { name }, input }: { constructor: { name: string }; input: Input }) => {
    if (name === "PutItemCommand") {
      const { pk, sk } = input.Item!;
      const partition = partitions.get(pk!.S!) ?? new Map<string, Item>();
      partitions.set(pk!.S!, partition.set(sk!.S!, input.Item!));
      return {};
    }
    // The caller itself remembers how far it has come, and a lease is always free here.
    if (name === "UpdateItemCommand") return { Attributes: {} };
    if (name === "GetItemCommand") return {};
    queries += 1;
    const { ":pk": pk, ":lo": lo, ":hi": hi, ":from": from, ":to": to } = input.ExpressionAttributeValues!;
    const [low, high] = [lo ?? from, hi ?? to];
    const items = [...(partitions.get(pk!.S!)?.values() ?? [])];
    return { Items: low === undefined ? items : items.filter(({ sk }) => sk!.S! >= low.S! && sk!.S! <= high!.S!) };
  },
};

const { db, raw, close } = await startDatabase();
const began = performance.now();
await raw.query(
  `insert into customers (customer_id, name, status, limit_per_second, created_at, updated_at)
   select 'cus_' || lpad(n::text, 26, '0'), 'x', 'active', 100, now(), now() from generate_series(1, $1) n`,
  [CUSTOMERS],
);
await raw.query(
  `insert into tenant_versions (tenant, customer_id, alert_rules)
   select customer_id, customer_id, 1 from customers where customer_id like 'cus_0%'`,
);
for (const [place, rule] of defaultRules.entries())
  await raw.query(
    `insert into alert_rules (rule_id, tenant, customer_id, definition, created_at, updated_at)
     select 'rul_' || ${place} || customer_id, customer_id, customer_id, $1::json, now(), now()
     from customers where customer_id like 'cus_0%'`,
    [JSON.stringify(rule)],
  );

let clock = Math.floor(Date.now() / MINUTE) * MINUTE;
const tenantOf = (place: number): string => `cus_${String(place + 1).padStart(26, "0")}`;

/** Counts a delivery of each of these customers in the minute that goes by. */
async function minute(every: number): Promise<void> {
  const at = clock + 1;
  for (let w = 0; w < WRITERS; w += 1) {
    const send = (input: ConstructorParameters<typeof PutItemCommand>[0]) =>
      table.send({ constructor: { name: "PutItemCommand" }, input: input as Input });
    const writer = usageWriter("metrics", send as never, `w${w}`, () => at);
    for (let place = w * every; place < CUSTOMERS; place += WRITERS * every) {
      const fact: UsageFact = {
        ...{ kind: "attempted", tenant: tenantOf(place), at, subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FA0" },
        ...{ outcome: "delivered", error: null, latency_ms: 40, parts: [{ types: ["a"], first_success_ms: 90 }] },
      };
      writer.add([fact]);
    }
    await writer.flush();
  }
  // A minute is evaluated once it is counted, ten seconds later.
  clock += MINUTE + 15_000;
}

let asked = 0;
const service = (async (request: ServiceRequest) => {
  asked += 1;
  return { answer: await serve(db, request as never, clock, testVault), bytes: 0 };
}) as Service;

const warm = tickPorts(table as never, { service, now: () => clock });
async function row(says: string, ports: TickPorts): Promise<void> {
  [queries, asked] = [0, 0];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const ticked = (await tick(ports, clock + 600_000))!;
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const heap = process.memoryUsage().heapUsed / 2 ** 20;
  console.log(
    `${says.padEnd(42)} ${String(ticked.rules).padStart(7)} rules  ${ms.toFixed(0).padStart(6)} ms  ${((user + system) / 1_000).toFixed(0).padStart(6)} ms CPU  ${String(queries).padStart(6)} queries  ${String(asked).padStart(4)} calls  ${heap.toFixed(0)} MB heap`,
  );
}

console.log(`${RULES} rules of ${CUSTOMERS} customers are there after ${(performance.now() - began).toFixed(0)} ms`);
await minute(1);
await row("all active, no rule known yet", warm);
await minute(1);
await row("all active", warm);
/** Marks may come late, so the minutes before one count for it, too. */
async function quiet(): Promise<void> {
  for (let passed = 0; passed < 4; passed += 1) await minute(CUSTOMERS);
  await tick(warm, clock + 600_000);
}
await quiet();
await minute(100);
await row("one in a hundred active", warm);
await quiet();
await row("one active", warm);
await close();
