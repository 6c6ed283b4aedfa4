// group: shared 2
import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import fc from "fast-check";
import { suite } from "uvu";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";
import { type JsonSchema, type Known, spoilt, valid } from "../support/schemaArbitrary.ts";

/**
 * Random requests, made from the very schemas that validate, against the running platform: each is answered as documented,
 * and never by a 5xx. `OPENAPI_RUNS` raises the number of requests, `OPENAPI_SEED` repeats a run.
 */
const RUNS = Number(process.env.OPENAPI_RUNS ?? 400);
const SEED = Number(process.env.OPENAPI_SEED ?? Date.now() % 2 ** 31);

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: JsonSchema;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const test = suite("requests made from openapi.json");
let platform: SharedPlatform;
let document: Document;
let customer: Customer;
let known: Known;
test.before(async () => {
  platform = await sharedPlatform();
  document = (await call(platform.url, "GET", "/openapi.json")).json;
  customer = await newCustomer(platform, { limit_per_second: 100_000 });
  known = await somethingToFind();
});

/** Objects of the customer for ids to name, and URLs that lead nowhere but to the built-in receiver. */
async function somethingToFind(): Promise<Known> {
  const as = (method: string, path: string, body?: unknown) =>
    call(platform.url, method, path, { key: customer.api_key, body });
  const ids: string[] = [];
  const keys: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const hook = { webhook_url: `${platform.sinkUrl}/openapi/${i}`, event_selector: "order.*" };
    ids.push((await as("POST", "/subscriptions", hook)).json.subscription_id);
    keys.push((await as("POST", "/keys", {})).json.key_id);
  }
  const sent = (await as("POST", "/events", [{ event_type: "order.created", amount: 1 }, { event_type: "x" }])).json;
  const events = sent.events.map(({ event_id }: { event_id: string }) => event_id);
  const replay = (await as("POST", "/replays", { from: new Date(0).toISOString(), to: new Date(1).toISOString() }))
    .json;
  const fresh = fc.nat(1_000_000).map((n) => `${platform.sinkUrl}/openapi/${n}`);
  const urls = fc.oneof(fresh, fc.constantFrom("http://10.0.0.1/", "https://127.0.0.1:9001/", "ftp://x", "no url"));
  const id = fc.oneof(
    fc.constantFrom(...ids, ...events, replay?.replay_id ?? "rpl_x"),
    fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text !== "." && text !== ".."),
  );
  return {
    id,
    key_id: fc.constantFrom(...keys),
    customer_id: fc.constant(customer.customer_id),
    webhook_url: urls,
    // Beside another webhook_url it would only ever be refused.
    target_url: fc.constant(undefined),
    event_ids: fc.array(fc.constantFrom(...events), { minLength: 1, maxLength: 3 }),
    subscription_ids: fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }),
    event_selector: fc.constantFrom<unknown>("order.*", "$.amount > 0", { cel: "event.amount > 1.0" }, "$.a ==", {}),
    environment: fc.constantFrom("live", "live", "live", "sandbox"),
    transform: fc.constantFrom<unknown>(
      null,
      { omit: ["$.card"] },
      { extract: { a: "$.b" }, rename: { a: "c" } },
      { omit: ["x"] },
    ),
    enrich: fc.constantFrom<unknown>(null, { from: "t", key: "$.sku", as: "product" }),
    headers: fc.constantFrom<unknown>({}, { "x-token": "s3cret" }, { host: "x" }),
    // Of a customer erased whole by chance nothing would be left to ask for.
    all: fc.constant(false),
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

const encoded = (value: unknown): string =>
  encodeURIComponent((typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed());

/** One request to one operation: about half of them good, the others nearly. */
function requestTo(path: string, method: string, operation: Operation): fc.Arbitrary<Asked> {
  const { schemas } = document.components;
  const parameters = operation.parameters ?? [];
  const inPath = parameters.filter((each) => each.in === "path");
  const inQuery = parameters.filter((each) => each.in === "query");
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const good = (each: Parameter) => known[each.name] ?? valid(each.schema, schemas, known);
  const query = fc.record(
    Object.fromEntries(
      inQuery.map((each) => [
        each.name,
        fc.oneof({ weight: 4, arbitrary: good(each) }, { weight: 1, arbitrary: fc.jsonValue() }),
      ]),
    ),
    { requiredKeys: inQuery.filter(({ required }) => required).map(({ name }) => name) },
  );
  const stray = fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 5 }) },
  );
  const body =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 6, arbitrary: valid(schema, schemas, known).map((value) => JSON.stringify(value)) },
          { weight: 3, arbitrary: spoilt(schema, schemas, known).map((value) => JSON.stringify(value)) },
          { weight: 1, arbitrary: fc.string() },
        );
  // Every client takes these for the folder itself or the one above (url.spec.whatwg.org), so no request asks for such a name.
  const dots = (value: unknown) => value === "." || value === "..";
  const names = fc.tuple(...inPath.map(good)).filter((values) => !values.some(dots));
  return fc.tuple(names, query, stray, body).map(([values, asked, extra, text]) => {
    const filled = inPath.reduce((at, { name }, i) => at.replace(`{${name}}`, encoded(values[i])), path);
    const pairs = Object.entries(asked).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((each) => `${name}=${encoded(each)}`),
    );
    if (extra !== undefined) pairs.push(`${encoded(extra)}=1`);
    return {
      method: method.toUpperCase(),
      path: filled + (pairs.length > 0 ? `?${pairs.join("&")}` : ""),
      body: text,
    };
  });
}

/** What the method or path alone can bring about, whatever the operation says. */
const ANYWHERE = new Set([404, 405]);

test("no request is answered by a 5xx, and every answer is as documented", async () => {
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    ajv.addSchema(schema, `#/components/schemas/${name}`);
  }
  const operations = Object.entries(document.paths)
    .filter(([path]) => !path.startsWith("/customers") && !path.startsWith("/docs"))
    .flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })))
    // What others need is taken away last.
    .sort((a, b) => Number(a.method === "delete") - Number(b.method === "delete"));
  const seen = new Map<string, Set<number>>();
  const ask = async (name: string, { responses }: Operation, asked: Asked) => {
    const answer = await call(platform.url, asked.method, asked.path, {
      key: customer.api_key,
      ...(asked.body === undefined || asked.method === "GET" ? {} : { body: asked.body.toWellFormed() }),
    });
    const what = `${asked.method} ${asked.path} ${asked.body ?? ""} -> ${answer.status} ${answer.text.slice(0, 1_000)}`;
    assert.ok(answer.status < 500, what);
    assert.match(answer.headers.get("x-request-id") ?? "", /^req_/, what);
    seen.set(name, (seen.get(name) ?? new Set()).add(answer.status));
    const documented = responses[String(answer.status)];
    if (documented === undefined) return assert.ok(ANYWHERE.has(answer.status), `not documented: ${what}`);
    const schema = documented.content?.["application/json"]?.schema;
    if (schema === undefined || answer.json === undefined) return;
    assert.ok(ajv.validate(schema, answer.json), `${ajv.errorsText()}: ${what}`);
  };
  const failures: string[] = [];
  for (const { path, method, operation } of operations) {
    const name = `${method.toUpperCase()} ${path}`;
    const property = fc.asyncProperty(requestTo(path, method, operation), (asked) => ask(name, operation, asked));
    const runs = { numRuns: Math.ceil(RUNS / operations.length), seed: SEED, endOnFailure: true };
    const { failed, errorInstance } = await fc.check(property, runs);
    if (failed) failures.push(errorInstance instanceof Error ? errorInstance.message : String(errorInstance));
  }
  const requests = Math.ceil(RUNS / operations.length) * operations.length;
  const unmet = [...seen].filter(([, statuses]) => ![...statuses].some((status) => status < 300)).map(([name]) => name);
  process.stdout.write(
    `${requests} requests to ${operations.length} operations, seed ${SEED}; never met with 2xx: ${unmet.join(", ") || "none"}\n`,
  );
  assert.deepEqual(failures, []);
});

test.run();
