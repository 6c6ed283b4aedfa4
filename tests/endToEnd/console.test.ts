// group: shared 1
import assert from "node:assert/strict";
import { test } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { calls, matrix, type Role, roles } from "../../runtime/domain/people/roles.ts";
import { type Session, signIn } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { call, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** People in the console: who they are, what their role lets through, what they are shown. Through the real front door. */
let platform: SharedPlatform;
const signedIn = new Map<Role, Session>();
const named = (role: Role): string => role[0]!.toUpperCase() + role.slice(1);
const as = (role: Role): Session => signedIn.get(role)!;

test.before(async () => {
  platform = await sharedPlatform();
  for (const role of roles) signedIn.set(role, await signIn(platform.url, named(role)));
});

/** One object's id where a path wants one; nothing of it exists. */
const ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const prefixes: Readonly<Record<string, string>> = {
  events: "evt",
  deliveries: "dlv",
  subscriptions: "sub",
  replays: "rpl",
  inbox: "evt",
  privacy: "prv",
  sends: "snd",
  problems: "prb",
};
const pathOf = (route: string): string =>
  route
    .replace("{key_id}", `key_${ULID}`)
    .replace("{person_id}", `psn_${ULID}`)
    .replace("{incident_id}", `inc_${ULID}`)
    .replace("{customer_id}", `cus_${ULID}`)
    .replace(/\{(type|name)\}/, "nothing")
    .replace("{id}", `${prefixes[route.split("/")[1]!]}_${ULID}`);

test("each role may make exactly the calls that the matrix allows", async () => {
  const wrong: string[] = [];
  for (const [route, permission] of Object.entries(calls)) {
    const [method, path] = route.split(" ") as [string, string];
    for (const role of roles) {
      const answer = await as(role).call(method, `/console/api${pathOf(path)}`, {
        ...(method === "GET" || method === "DELETE" ? {} : { body: { nonsense: true } }),
      });
      const refused =
        answer.status === 403 && answer.json.error.code === "forbidden" && /role/.test(answer.json.error.message);
      if (refused === matrix[role].includes(permission))
        wrong.push(`${role}: ${route} answered ${answer.status} ${answer.text.slice(0, 200)}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("every route of the API that needs a key is in the matrix", async () => {
  const { json } = await call(platform.url, "GET", "/openapi.json");
  const declared = Object.entries(json.paths as Record<string, Record<string, { security: object[] }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods)
        // What may also be asked without a key is everybody's.
        .filter(([, { security }]) => security.length > 0 && !security.some((way) => Object.keys(way).length === 0))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(declared.filter((route) => !Object.hasOwn(calls, route)).sort(), []);
});

test("a request without a session is refused, and so is one from another site's page", async () => {
  assert.equal((await call(platform.url, "GET", "/console/session")).status, 401);
  assert.equal((await call(platform.url, "GET", "/console/api/inbox")).status, 401);
  const elsewhere = { origin: "https://elsewhere.example" };
  for (const headers of [elsewhere, { "x-triggers-console": "0" }]) {
    const answer = await as("owner").call("POST", "/console/session/extend", { headers });
    assert.deepEqual([answer.status, answer.json.error.code], [403, "cross_site"]);
  }
});

test("the API ignores an identity that a browser makes up", async () => {
  const headers = {
    "x-triggers-identity": "eyJjdXN0b21lcl9pZCI6ImN1c19vcGVyYXRvciJ9",
    "x-triggers-host": "elsewhere.example",
  };
  const answer = await as("business").call("GET", "/console/api/customers", { headers });
  assert.equal(answer.status, 403);
});

test("a person can list and end sessions, and the cookie belongs to this host only", async () => {
  const session = await signIn(platform.url, "Business");
  const { json } = await session.call("GET", "/console/session");
  assert.equal(json.role, "business");
  assert.ok([...session.cookies.keys()].includes("__Host-triggers"));
  const all = await session.call("GET", "/console/sessions");
  assert.equal(all.json.sessions.filter(({ current }: { current: boolean }) => current).length, 1);
  assert.equal((await as("business").call("DELETE", `/console/sessions/${json.session_id}`)).status, 204);
  assert.equal((await session.call("GET", "/console/session")).status, 401);
});

test("a sign-in comes back to the console's own pages and to no other", async () => {
  for (const wanted of ["https://elsewhere.example/", "//elsewhere.example/console/", "/docs"]) {
    const answer = await fetch(`${platform.url}/console/session/sign-in?return_to=${encodeURIComponent(wanted)}`, {
      redirect: "manual",
    });
    assert.equal(answer.status, 302);
    assert.ok(answer.headers.get("location")!.startsWith("http://127.0.0.1:"));
  }
  const forged = await fetch(`${platform.url}/console/session/callback?code=x&state=y`, { redirect: "manual" });
  assert.equal(forged.headers.get("location"), "/console/sign-in?ended=late");
});

const payload = {
  event_type: "console.masked",
  card: "4111 1111 1111 1111",
  name: { first: "Ada" },
  n: "12345678901234567890.10",
};

async function sent(): Promise<string> {
  const body = JSON.stringify(payload).replace('"12345678901234567890.10"', "12345678901234567890.10");
  const answer = await as("owner").call("POST", "/console/api/events", { body, environment: "sandbox" });
  assert.equal(answer.status, 202, answer.text);
  const id = answer.json.event_id as string;
  await eventually(
    () =>
      as("owner").call("GET", `/console/api/events/${id}`, {
        environment: "sandbox",
        headers: { "x-triggers-without-payloads": "1" },
      }),
    ({ status }) => status === 200,
  );
  return id;
}

test("a payload is masked for people, by role and by what the customer says, and numbers keep their digits", async () => {
  const put = await as("owner").call("PUT", "/console/api/masking", {
    body: { paths: ["$.name.first"], detect: ["card"] },
  });
  assert.equal(put.status, 200, put.text);
  const id = await sent();
  const shown = await as("developer").call("GET", `/console/api/events/${id}`, { environment: "sandbox" });
  assert.match(
    shown.text,
    /"payload":\{"event_type":"console.masked","card":"\*\*\*1111","name":\{"first":"\*\*\*"\},"n":12345678901234567890.10\}/,
  );
  const shape = await as("business").call("GET", `/console/api/events/${id}`, { environment: "sandbox" });
  assert.deepEqual(shape.json.payload, { event_type: "***", card: "***", name: { first: "***" }, n: "***" });
  const none = await as("developer").call("GET", `/console/api/events/${id}`, {
    environment: "sandbox",
    headers: { "x-triggers-without-payloads": "1" },
  });
  assert.equal(Object.hasOwn(none.json, "payload"), false);
});

test("a reveal records the person and the reason, and each look leaves a record", async () => {
  const id = await sent();
  const at = { environment: "sandbox" } as const;
  await as("operations").call("GET", `/console/api/events/${id}`, at);
  const revealed = await as("developer").call("POST", "/console/api/reveal", {
    ...at,
    body: { object: id, reason: "a customer asked" },
  });
  assert.equal(revealed.status, 200, revealed.text);
  assert.equal(revealed.json.revealed.payload.card, payload.card);
  const { json } = await as("auditor").call("GET", `/console/api/events/${id}/viewers`, at);
  assert.deepEqual(
    json.viewers.map(({ role, how, reason }: Record<string, unknown>) => [role, how, reason]),
    [
      ["developer", "reveal", "a customer asked"],
      ["operations", "payload", null],
    ],
  );
  const audit = await as("owner").call("GET", "/console/api/audit?limit=1");
  const [entry] = audit.json.audit;
  assert.deepEqual(
    [entry.action, entry.object, entry.actor.type, entry.actor.role],
    ["reveal", id, "person", "developer"],
  );
});

test("a webhook's URL is masked for people", async () => {
  const body = { webhook_url: `${platform.sinkUrl}/console/secret-path-1234`, event_selector: "console.url" };
  const { json } = await as("developer").call("POST", "/console/api/subscriptions", { body, environment: "sandbox" });
  assert.equal(json.webhook_url, `${platform.sinkUrl}/…1234`);
  assert.match(json.signing_secret, /^whsec_/);
  const revealed = await as("developer").call("POST", "/console/api/reveal", {
    body: { object: json.subscription_id, reason: "look at it" },
    environment: "sandbox",
  });
  assert.equal(revealed.json.revealed.webhook_url, body.webhook_url);
  assert.equal(
    (
      await as("developer").call("DELETE", `/console/api/subscriptions/${json.subscription_id}`, {
        environment: "sandbox",
      })
    ).status,
    204,
  );
});

test("a person sends as a key of the customer, in the key's environment, and finds the request in their list", async () => {
  const { json: made } = await as("developer").call("POST", "/console/api/keys", {
    body: { name: "composer", environment: "sandbox", scopes: ["events:write"] },
  });
  const headers = { "x-triggers-key-id": made.key_id };
  const answer = await as("developer").call("POST", "/console/api/events", {
    body: { event_type: "console.sent" },
    headers,
  });
  assert.equal(answer.status, 202, answer.text);
  const { json } = await as("developer").call("GET", "/console/api/sends?limit=1");
  const [send] = json.sends;
  assert.deepEqual(
    [send.environment, send.key_id, send.request.body, send.response.status, JSON.parse(send.response.body).event_id],
    ["sandbox", made.key_id, '{"event_type":"console.sent"}', 202, answer.json.event_id],
  );
  assert.equal(
    (await as("owner").call("GET", "/console/api/sends?limit=1")).json.sends[0]?.send_id === send.send_id,
    false,
  );
  assert.equal((await as("developer").call("DELETE", `/console/api/keys/${made.key_id}`)).status, 204);
  const refused = await as("developer").call("POST", "/console/api/events", { body: {}, headers });
  assert.deepEqual([refused.status, refused.json.error.code], [403, "forbidden"]);
});

test("people are invited, changed and removed by an owner, and one owner is always left", async () => {
  const owner = as("owner");
  const { json: list } = await owner.call("GET", "/console/api/people");
  const me = list.people.find(({ role }: { role: string }) => role === "owner").person_id;
  for (const [method, body] of [
    ["PATCH", { role: "auditor" }],
    ["DELETE", undefined],
  ] as const) {
    const answer = await owner.call(method, `/console/api/people/${me}`, defined({ body }));
    assert.deepEqual([answer.status, answer.json.error.code], [409, "conflict"]);
  }
  const invited = await owner.call("POST", "/console/api/people", {
    body: { email: "Grace@Example.com", role: "owner" },
  });
  assert.deepEqual([invited.status, invited.json.email, invited.json.status], [201, "grace@example.com", "invited"]);
  // Who has not signed in yet could be nobody: the owner still can't go.
  assert.equal((await owner.call("DELETE", `/console/api/people/${me}`)).status, 409);
  assert.equal(
    (await owner.call("POST", "/console/api/people", { body: { email: "grace@example.com", role: "auditor" } })).status,
    409,
  );
  const id = invited.json.person_id;
  assert.equal(
    (await owner.call("PATCH", `/console/api/people/${id}`, { body: { role: "auditor" } })).json.role,
    "auditor",
  );
  for (let again = 0; again < 2; again += 1)
    assert.equal((await owner.call("DELETE", `/console/api/people/${id}`)).status, 204);
  assert.equal(
    (await owner.call("POST", "/console/api/people", { body: { email: "a@b.example", role: "operator" } })).status,
    400,
  );
});

test("the pages come compressed, under a policy that lets nothing else run, and are the same for every path", async () => {
  const page = await fetch(`${platform.url}/console/events/evt_1`);
  assert.equal(page.status, 200);
  assert.match(
    page.headers.get("content-security-policy")!,
    /default-src 'none'; script-src 'self'.*require-trusted-types-for 'script'/,
  );
  const html = await page.text();
  assert.equal(/<script(?![^>]*src=)|style=|\son\w+=/.test(html), false);
  const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(html)![1]!;
  const asset = await fetch(`${platform.url}${script}`, { headers: { "accept-encoding": "br" } });
  assert.deepEqual(
    [asset.headers.get("content-encoding"), asset.headers.get("cache-control")],
    ["br", "public, max-age=31536000, immutable"],
  );
});

test.run();
