import assert from "node:assert/strict";
import { test } from "uvu";
import {
  Console,
  type ConsoleAnswer,
  type ConsolePorts,
  type ConsoleRequest,
  ownPage,
} from "../../../runtime/console/console.ts";
import { Sends } from "../../../runtime/console/sends.ts";
import {
  hashOf,
  IDLE_MS,
  LONGEST_MS,
  SESSION_COOKIE,
  type Session,
  Sessions,
} from "../../../runtime/console/sessions.ts";
import { decodeIdentity, IDENTITY_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import type { Membership } from "../../../runtime/domain/people/person.ts";

/** A table that does what the console asks of one, in memory. */
function tableInMemory() {
  const items = new Map<string, Record<string, { S?: string }>>();
  const keyOf = ({ pk, sk }: Record<string, { S?: string }>) => `${pk!.S}\n${sk!.S}`;
  return {
    // biome-ignore lint/suspicious/noExplicitAny: commands of the SDK, as it declares them
    async send(command: any): Promise<any> {
      const { input } = command;
      switch (command.constructor.name) {
        case "PutItemCommand":
          items.set(keyOf(input.Item), input.Item);
          return {};
        case "GetItemCommand":
          return { Item: items.get(keyOf(input.Key)) };
        case "DeleteItemCommand": {
          const Attributes = items.get(keyOf(input.Key));
          items.delete(keyOf(input.Key));
          return { Attributes };
        }
        case "UpdateItemCommand": {
          const item = items.get(keyOf(input.Key));
          if (item === undefined)
            throw Object.assign(new Error("condition"), { name: "ConditionalCheckFailedException" });
          items.set(keyOf(input.Key), { ...item, session: input.ExpressionAttributeValues[":session"] });
          return {};
        }
        default:
          return {
            Items: [...items.values()].filter(
              ({ person }) => person?.S === input.ExpressionAttributeValues[":person"]?.S,
            ),
          };
      }
    },
  };
}

const member = (role: Membership["role"] = "owner", customer_id = "cus_1"): Membership => ({
  person_id: "psn_1",
  customer_id,
  customer_name: customer_id,
  role,
  limit_per_second: 1_000,
});

interface World {
  now: number;
  memberships: readonly Membership[];
}

function consoleOf(world: World) {
  const dynamodb = tableInMemory() as unknown as ConsolePorts["dynamodb"];
  const now = () => world.now;
  /** Sessions whose sockets were closed, each with its customer. */
  const closed: [session: string, customer: string][] = [];
  const ports: ConsolePorts = {
    sessions: new Sessions(dynamodb, "sessions", now),
    sends: new Sends(dynamodb, "sessions", now),
    signIn: {
      begin: async (redirectUri, state) => ({
        url: `https://issuer.example/?to=${redirectUri}`,
        state: await state({ verifier: "v", nonce: "n" }),
      }),
      finish: async () => ({ issuer: "https://issuer.example", subject: "ada", email: "ada@example.com", name: "Ada" }),
    },
    memberships: async () => world.memberships,
    invoke: async () => {
      throw new Error("nothing is asked of the API here");
    },
    dynamodb,
    peppers: { get: async () => ({ current: "1", versions: { 1: "cGVwcGVy" } }) },
    functions: { api: "api", ingest: "ingest" },
    keysTable: "keys",
    now,
    closeSockets: async (session, customerId) => void closed.push([session, customerId]),
    failed: () => {},
  };
  const front = new Console(ports);
  const jar = new Map<string, string>();
  const ask = async (method: string, path: string, more: Partial<ConsoleRequest> = {}): Promise<ConsoleAnswer> => {
    const answer = await front.answer({
      request_id: "req_01ARZ3NDEKTSV4RRFFQ69G5FAV",
      host: "triggers.example",
      method,
      path,
      query: "",
      headers: { "x-triggers-console": "1", origin: "https://triggers.example" },
      cookies: [...jar].map(([name, value]) => `${name}=${value}`),
      body: Buffer.alloc(0),
      source_ip: "192.0.2.1",
      ...more,
    });
    for (const line of answer.cookies) {
      const [name, value] = line.split(";")[0]!.split("=") as [string, string];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  const signIn = async () => {
    await ask("GET", "/console/session/sign-in", { query: "return_to=/console/keys" });
    return ask("GET", "/console/session/callback", { query: "code=c&state=s" });
  };
  return { ask, signIn, jar, ports, closed };
}

const sessionIn = ({ body }: ConsoleAnswer) =>
  JSON.parse(String(body)) as Record<string, { code?: string } | string | undefined>;

test("a session is idle after 15 minutes even if pages ask meanwhile, and a gesture makes it last", async () => {
  const world: World = { now: 0, memberships: [member()] };
  const { ask, signIn } = consoleOf(world);
  const back = await signIn();
  assert.deepEqual([back.status, back.headers.location], [302, "/console/keys"]);
  world.now = IDLE_MS - 1;
  assert.equal((await ask("GET", "/console/session")).status, 200);
  assert.equal((await ask("POST", "/console/session/extend")).status, 200);
  world.now += IDLE_MS - 1;
  assert.equal((await ask("GET", "/console/session")).status, 200);
  world.now += 1;
  assert.equal((await ask("GET", "/console/session")).status, 401);
});

test("any invalid cursor of the sent list is refused", async () => {
  const { ask, signIn } = consoleOf({ now: 0, memberships: [member()] });
  await signIn();
  for (const cursor of ["", "a", "snd_~", "snd_0", `snd_${"0".repeat(26)}#0`, "\u0000"]) {
    const answer = await ask("GET", "/console/api/sends", { query: `cursor=${encodeURIComponent(cursor)}` });
    assert.deepEqual([answer.status, cursor], [400, cursor]);
  }
});

const wrongMethods: [method: string, path: string, allow: string][] = [
  ["PUT", "/console/session", "DELETE, GET"],
  ["GET", "/console/session/extend", "POST"],
  ["DELETE", "/console/session/customer", "POST"],
  ["POST", "/console/sessions", "GET"],
  ["GET", "/console/sessions/ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "DELETE"],
];
for (const [method, path, allow] of wrongMethods)
  test(`${method} ${path} is a wrong method, and the answer says which is right`, async () => {
    const { ask, signIn } = consoleOf({ now: 0, memberships: [member()] });
    await signIn();
    const answer = await ask(method, path);
    assert.deepEqual([answer.status, answer.headers.allow], [405, allow]);
  });

test("what is asked of /events is answered by who takes events, whatever the method", async () => {
  const { ask, signIn, ports } = consoleOf({ now: 0, memberships: [member()] });
  await signIn();
  const asked: string[] = [];
  Object.assign(ports, {
    invoke: async (target: string) => {
      asked.push(target);
      return Buffer.from(JSON.stringify({ statusCode: 405, body: "{}" }));
    },
  });
  for (const [method, path] of [
    ["POST", "/events"],
    ["DELETE", "/events"],
    ["GET", "/events/evt_1"],
  ] as const)
    await ask(method, `/console/api${path}`);
  assert.deepEqual(asked, ["ingest", "ingest", "api"]);
});

test("the API hears through which session a person asks, and when that ends", async () => {
  const { ask, signIn, ports, jar } = consoleOf({ now: 0, memberships: [member()] });
  await signIn();
  let identity: Identity | undefined;
  Object.assign(ports, {
    invoke: async (_: string, payload: string) => {
      identity = decodeIdentity(JSON.parse(payload).headers[IDENTITY_HEADER]);
      return Buffer.from(JSON.stringify({ statusCode: 201, body: "{}" }));
    },
  });
  await ask("POST", "/console/api/live/tickets");
  assert.deepEqual(identity!.person!.session, { id: hashOf(jar.get(SESSION_COOKIE)!), ends_at: IDLE_MS });
});

test("a session ends after 8 hours, however busy it was", async () => {
  const world: World = { now: 0, memberships: [member()] };
  const { ask, signIn } = consoleOf(world);
  await signIn();
  for (world.now = 0; world.now < LONGEST_MS; world.now += IDLE_MS / 2)
    assert.equal((await ask("POST", "/console/session/extend")).status, 200);
  world.now = LONGEST_MS;
  assert.equal((await ask("POST", "/console/session/extend")).status, 401);
});

test("a change of role counts after 30 seconds, a removal ends the session", async () => {
  const world: World = { now: 0, memberships: [member("owner")] };
  const { ask, signIn } = consoleOf(world);
  await signIn();
  world.memberships = [member("auditor")];
  world.now = 29_999;
  assert.equal(sessionIn(await ask("GET", "/console/session")).role, "owner");
  world.now = 30_000;
  assert.equal(sessionIn(await ask("GET", "/console/session")).role, "auditor");
  world.memberships = [];
  world.now = 60_000;
  const gone = await ask("GET", "/console/session");
  assert.deepEqual([gone.status, gone.cookies.length], [401, 1]);
});

test("a person of several customers can switch between them, and to no other", async () => {
  const world: World = { now: 0, memberships: [member("owner", "cus_1"), member("auditor", "cus_2")] };
  const { ask, signIn } = consoleOf(world);
  await signIn();
  const move = (customer_id: unknown) =>
    ask("POST", "/console/session/customer", { body: Buffer.from(JSON.stringify({ customer_id })) });
  assert.equal(sessionIn(await move("cus_2")).role, "auditor");
  assert.equal((await move("cus_3")).status, 404);
  assert.equal((await move(7)).status, 400);
  await signIn();
  assert.equal(
    sessionIn(await ask("GET", "/console/session")).customer_id,
    "cus_2",
    "signing in again leaves one where one was",
  );
});

test("a sign-in is used once, and by the browser that began it", async () => {
  const world: World = { now: 0, memberships: [member()] };
  const { ask, signIn, jar } = consoleOf(world);
  await ask("GET", "/console/session/sign-in");
  const begun = jar.get("__Host-triggers-signing-in")!;
  jar.clear();
  assert.equal(
    (await ask("GET", "/console/session/callback", { query: "code=c" })).headers.location,
    "/console/sign-in?ended=late",
  );
  jar.set("__Host-triggers-signing-in", begun);
  assert.equal((await ask("GET", "/console/session/callback", { query: "code=c" })).headers.location, "/console/");
  jar.set("__Host-triggers-signing-in", begun);
  assert.equal(
    (await ask("GET", "/console/session/callback", { query: "code=c" })).headers.location,
    "/console/sign-in?ended=late",
  );
  world.memberships = [];
  assert.match((await signIn()).headers.location!, /ended=unknown/);
});

test("the cookie's token is nowhere in the table", async () => {
  const world: World = { now: 0, memberships: [member()] };
  const { signIn, jar, ports } = consoleOf(world);
  await signIn();
  const token = jar.get("__Host-triggers")!;
  const session = (await ports.sessions.get(token)) as Session;
  assert.equal(JSON.stringify(session).includes(token), false);
});

for (const [says, headers] of [
  ["another site's origin", { "x-triggers-console": "1", origin: "https://elsewhere.example" }],
  ["the same host without TLS", { "x-triggers-console": "1", origin: "http://triggers.example" }],
  ["no mark", { origin: "https://triggers.example" }],
  ["neither origin nor a word of the browser", { "x-triggers-console": "1" }],
  ["a browser that says it is another site", { "x-triggers-console": "1", "sec-fetch-site": "cross-site" }],
] as const)
  test(`a change with ${says} is refused before anything is looked at`, async () => {
    const { ask } = consoleOf({ now: 0, memberships: [member()] });
    const answer = await ask("POST", "/console/session/extend", { headers });
    assert.deepEqual([answer.status, (sessionIn(answer).error as { code?: string }).code], [403, "cross_site"]);
  });

const pages: [asked: string | null, leads: string][] = [
  ["/console/events?env=sandbox#x", "/console/events?env=sandbox#x"],
  ["//elsewhere.example/console/", "/console/"],
  ["https://elsewhere.example/", "/console/"],
  ["/console/../docs", "/console/"],
  ["/console/api/keys", "/console/"],
  ["/docs", "/console/"],
  [null, "/console/"],
];
for (const [asked, leads] of pages)
  test(`after signing in, ${asked} leads to ${leads}`, () => assert.equal(ownPage(asked), leads));

test.run();
