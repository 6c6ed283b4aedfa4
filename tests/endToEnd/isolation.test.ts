// group: shared 1
import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { deliveryId, newId, newUlid } from "../../runtime/domain/ids.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/**
 * Two customers, each with a live and a sandbox side: four tenants that know nothing of each other. Every route of the
 * description is called by each tenant with the others' ids. Invariant: the answer is the one that an id nobody ever had
 * gets, no answer holds a mark of another tenant, and afterwards each tenant still has what it had.
 */
const test = suite("isolation");
const runs = Number(process.env.ISOLATION_RUNS ?? 6);

interface Tenant {
  readonly key: string;
  readonly mark: string;
  readonly customer: string;
  readonly environment: "live" | "sandbox";
  readonly ids: Readonly<Record<Kind, string>>;
  readonly cursors: Readonly<Record<string, string>>;
}
type Kind = Made | Nobodys;
type Made = "evt" | "sub" | "dlv" | "rpl" | "prv" | "key" | "cus" | "type" | "table" | "rul" | "chn" | "rpt";
/** What a test can't give a tenant: it takes failures or minutes, a person, or the operator. Ids of this form, which nobody has, are asked for. */
type Nobodys = "prb" | "alt" | "psn" | "inc" | "link";

/** What each path parameter, or member of a body, names. An unknown one fails: a new route must be added here. */
const kindOf: readonly [path: RegExp, kind: Kind][] = [
  [/^\/(events|inbox)\/\{id\}/, "evt"],
  [/^\/subscriptions\/\{id\}/, "sub"],
  [/^\/deliveries\/\{id\}/, "dlv"],
  [/^\/replays\/\{id\}/, "rpl"],
  [/^\/privacy\/requests\/\{id\}/, "prv"],
  [/^\/keys\/\{key_id\}/, "key"],
  [/^\/customers\/\{customer_id\}/, "cus"],
  [/^\/event-types\/\{type\}/, "type"],
  [/^\/reference-tables\/\{name\}/, "table"],
  [/^\/alert-rules\/\{id\}/, "rul"],
  [/^\/alert-channels\/\{id\}/, "chn"],
  [/^\/alerts\/\{id\}/, "alt"],
  [/^\/reports\/\{id\}/, "rpt"],
  [/^\/problems\/\{id\}/, "prb"],
  [/^\/people\/\{person_id\}/, "psn"],
  [/^\/incidents\/\{incident_id\}/, "inc"],
  [/^\/links\/\{token\}/, "link"],
];

const bodies: Readonly<Record<string, (ids: Tenant["ids"]) => unknown>> = {
  "POST /events": () => ({ event_type: "isolated" }),
  "POST /events/dry-run": () => ({ event_type: "isolated" }),
  "POST /events/lookup": ({ evt }) => ({ event_ids: [evt] }),
  "POST /inbox/ack": ({ evt }) => ({ event_ids: [evt] }),
  "POST /inbox/delete": ({ evt }) => ({ event_ids: [evt] }),
  "POST /subscriptions": () => ({ webhook_url: "http://127.0.0.1:1/x", event_selector: "none", environment: "wrong" }),
  "POST /subscriptions/import": () => ({ subscriptions: [] }),
  "POST /subscriptions/rehearse": () => ({ event_selector: "isolated" }),
  "PATCH /subscriptions/{id}": () => ({ event_selector: "stolen" }),
  "POST /subscriptions/{id}/backlog/ack": ({ evt }) => ({ event_ids: [evt] }),
  "POST /replays": ({ evt, sub }) => ({ event_ids: [evt], subscription_ids: [sub] }),
  "POST /dead-letters/replay": ({ dlv }) => ({ delivery_ids: [dlv] }),
  "POST /keys": () => ({ scopes: ["nonsense"] }),
  "POST /customers": () => ({ name: "none" }),
  "PATCH /customers/{customer_id}": () => ({ name: "stolen" }),
  "PUT /event-types/{type}": () => "not a schema",
  "POST /event-types/rehearse": () => ({ event_type: "isolated", schema: false }),
  "PUT /reference-tables/{name}": () => "not a table",
  "PUT /retention": () => ({ days: 0 }),
  "POST /privacy/exports": () => ({ subject: { jsonpath: "$", equals: 1 }, all: true }),
  "POST /privacy/erasures": ({ cus }) => ({ all: true, confirm: cus }),
};

let platform: SharedPlatform;
let tenants: Tenant[];
let routes: { method: string; path: string }[];

const api = (tenant: Pick<Tenant, "key">, method: string, path: string, body?: unknown): Promise<Answer> =>
  call(platform.url, method, path, { key: tenant.key, ...defined({ body }) });

test.before(async () => {
  platform = await sharedPlatform();
  const { json } = await call(platform.url, "GET", "/openapi.json");
  // The documentation's own paths are public and name no object of anybody's.
  routes = Object.entries(json.paths as Record<string, object>)
    .filter(([path]) => !path.startsWith("/docs"))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })));
  const customers = [await newCustomer(platform), await newCustomer(platform)];
  tenants = await Promise.all(
    customers.flatMap(({ customer_id, api_key, sandbox_key }) => [
      furnish(customer_id, "live", api_key),
      furnish(customer_id, "sandbox", sandbox_key),
    ]),
  );
});

/** Gives a tenant one object of each kind, each with its own mark. */
async function furnish(customer: string, environment: "live" | "sandbox", key: string): Promise<Tenant> {
  const mark = `mark${newUlid()}`;
  // Names travel in the paths of calls, so callers may meet again what they named themselves; the mark never does.
  const name = `name${newUlid()}`;
  const own = { key };
  const made = async (method: string, path: string, body: unknown): Promise<Answer["json"]> => {
    const answer = await api(own, method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
    return answer.json;
  };
  const webhook_url = `${platform.sinkUrl}/isolation/${mark}`;
  const sub = (await made("POST", "/subscriptions", { webhook_url, event_selector: mark })).subscription_id;
  await made("PUT", `/event-types/${name}.type`, { type: "object", description: mark });
  await made("PUT", `/reference-tables/${name}`, { rows: { a: { mark } } });
  const evt = (await made("POST", "/events", [{ event_type: mark }, { event_type: mark }])).events[0].event_id;
  await eventually(
    async () => (await api(own, "GET", `/events/${evt}`)).status,
    (status) => status === 200,
  );
  const rpl = (await made("POST", "/replays", { event_ids: [evt], subscription_ids: [sub] })).replay_id;
  const dlv = (
    await eventually(
      async () => (await api(own, "GET", `/deliveries?replay_id=${rpl}`)).json.deliveries,
      (list) => list.length === 1,
      30_000,
    )
  )[0].delivery_id;
  const rule = { name: mark, kind: "error_rate", threshold: 0.5, for_minutes: 5, severity: "warning", channels: [] };
  const rul = (await made("POST", "/alert-rules", rule)).rule_id;
  const chn = (await made("POST", "/alert-channels", { kind: "email", target: `${mark.toLowerCase()}@example.com` }))
    .channel_id;
  const rpt = (await made("POST", "/reports", { name: mark, template: "weekly" })).report_id;
  const subject = { jsonpath: "$.nobody", equals: mark };
  const prv = (await made("POST", "/privacy/exports", { subject })).request_id;
  const cursors: Record<string, string> = {};
  for (const path of ["/inbox", "/deliveries"]) {
    const { next_cursor } = (await api(own, "GET", `${path}?limit=1`)).json;
    if (next_cursor !== null) cursors[path] = next_cursor;
  }
  const ids = {
    evt,
    sub,
    dlv,
    rpl,
    prv,
    key: `key_${key.split("_")[2]}`,
    cus: customer,
    type: `${name}.type`,
    table: name,
    rul,
    chn,
    rpt,
    ...nobodys(),
  };
  return { key, mark, customer, environment, ids, cursors };
}

const nobodys = (): Readonly<Record<Nobodys, string>> => ({
  prb: `prb_${newUlid()}a`,
  alt: newId("alt"),
  psn: newId("psn"),
  inc: newId("inc"),
  link: newUlid(),
});

/** Ids that nobody has. */
const unknown = (): Tenant["ids"] => ({
  evt: `evt_${newUlid(Date.now() - 3_600_000)}`,
  sub: newId("sub"),
  dlv: deliveryId(newUlid(Date.now() - 3_600_000), newId("sub")),
  rpl: newId("rpl"),
  prv: newId("prv"),
  key: newId("key"),
  cus: newId("cus"),
  type: "nobodys.type",
  table: "nobodys",
  rul: newId("rul"),
  chn: newId("chn"),
  rpt: newId("rpt"),
  ...nobodys(),
});

/** Keys, audit and retention are the customer's, whichever of its keys asks. */
const shared = (a: Tenant, b: Tenant, kind: Kind | undefined): boolean =>
  a.customer === b.customer && (kind === "key" || kind === "cus");

/** Whether this route may show what another tenant did: keys and the audit log are the customer's. */
const customersOwn = (a: Tenant, b: Tenant, path: string): boolean =>
  a.customer === b.customer && /^\/(audit|keys)/.test(path);

/** The answer without what differs from one call to the next: ids asked for, request ids, times. */
function essence({ status, text }: Answer, ids: Tenant["ids"]): { status: number; text: string } {
  let rest = text;
  for (const [kind, id] of Object.entries(ids)) rest = rest.replaceAll(id, `<${kind}>`);
  return {
    status,
    text: rest
      .replaceAll(/(req|rpl|prv|evt|aud|run)_[0-9A-Z]{26}/g, "$1_…")
      .replaceAll(/"[\d-]{10}T[\d:.]+Z"/g, "<time>")
      .replaceAll(/"duration_us":\d+/g, ""),
  };
}

/** What a tenant has, as it reads it itself. */
async function possessions(tenant: Tenant): Promise<string> {
  const { ids } = tenant;
  const reads = [
    `/events/${ids.evt}`,
    `/subscriptions/${ids.sub}`,
    `/deliveries/${ids.dlv}`,
    `/replays/${ids.rpl}`,
    `/reference-tables/${ids.table}`,
    `/alert-rules/${ids.rul}`,
    `/alert-channels/${ids.chn}`,
    `/reports/${ids.rpt}`,
    "/event-types",
    "/retention",
  ];
  const answers = await Promise.all(reads.map((path) => api(tenant, "GET", path)));
  return answers.map(({ status, text }) => `${status} ${text}`).join("\n");
}

const asked = fc.record({
  caller: fc.nat(3),
  owner: fc.nat(3),
  route: fc.nat(1_000),
});

test("lists and counts hold a tenant's own objects only", async () => {
  const lists = routes.filter(
    ({ method, path }) => method === "GET" && !path.includes("{") && !/^\/(docs|openapi|health|customers)/.test(path),
  );
  assert.ok(lists.length >= 12);
  for (const tenant of tenants) {
    for (const { path } of lists) {
      const { text } = await api(tenant, "GET", path);
      for (const other of tenants) {
        if (other === tenant || customersOwn(other, tenant, path)) continue;
        assert.ok(!text.includes(other.mark), `${path} shows another tenant's data`);
        for (const [kind, id] of Object.entries(other.ids)) {
          const ours = customersOwn(other, tenant, path) || (other.customer === tenant.customer && kind === "cus");
          assert.ok(ours || !text.includes(id), `${path} shows another tenant's ${kind}`);
        }
      }
    }
    const { totals } = (await api(tenant, "GET", "/usage")).json;
    assert.equal(totals.events % 1, 0);
  }
});

test("for another tenant's ids every route answers as for unknown ones, and changes nothing", async () => {
  const before = await Promise.all(tenants.map(possessions));
  for (const { path } of routes) {
    if (path.includes("{"))
      assert.ok(
        kindOf.some(([pattern]) => pattern.test(path)),
        `${path} is not known to this test`,
      );
  }
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 20, maxLength: 40 }), async (calls) => {
      for (const { caller: c, owner: o, route: r } of calls) {
        const [caller, owner] = [tenants[c]!, tenants[o]!];
        const { method, path } = routes[r % routes.length]!;
        const kind = kindOf.find(([pattern]) => pattern.test(path))?.[1];
        if (
          caller === owner ||
          shared(caller, owner, kind) ||
          (shared(caller, owner, "cus") && path === "/privacy/erasures")
        )
          continue;
        const ask = async (ids: Tenant["ids"]) => {
          const filled = path.replace(/\{\w+\}/, encodeURIComponent(kind === undefined ? "" : ids[kind]));
          return essence(await api(caller, method, filled, bodies[`${method} ${path}`]?.(ids)), ids);
        };
        const foreign = await ask(owner.ids);
        if (kind !== undefined || bodies[`${method} ${path}`] !== undefined) {
          assert.deepEqual(foreign, await ask(unknown()), `${method} ${path}`);
        }
        for (const other of tenants) {
          if (other !== caller && !customersOwn(other, caller, path))
            assert.ok(!foreign.text.includes(other.mark), `${method} ${path} shows ${other.mark}`);
        }
      }
    }),
    { numRuns: runs, includeErrorInReport: true },
  );
  assert.deepEqual(await Promise.all(tenants.map(possessions)), before);
});

test("a cursor of one tenant is refused to every other", async () => {
  for (const caller of tenants) {
    for (const owner of tenants) {
      if (owner === caller) continue;
      for (const [path, cursor] of Object.entries(owner.cursors)) {
        const { status, json } = await api(caller, "GET", `${path}?cursor=${cursor}`);
        assert.deepEqual([status, json.error.code], [400, "invalid_request"]);
      }
    }
  }
});

test.run();
