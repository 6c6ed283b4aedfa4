import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import WebSocketClient from "ws";
import { FrameLengths } from "../../local/apigateway/frameLengths.ts";
import { createApiGateway } from "../../local/apigateway.ts";
import type { Outcome } from "../../local/lambda/function.ts";
import type { ApiCall } from "../../local/service.ts";
import { eventually } from "../support/eventually.ts";
import { contextIn } from "./serve.ts";

/** The WebSocket API of the local platform by itself: what it takes, refuses, closes, and tells its functions. */

const test = suite("API Gateway, WebSocket");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Event = Record<string, unknown> & { requestContext: Record<string, unknown> };
const result = (value: unknown): Outcome => ({ kind: "result", result: { json: JSON.stringify(value) } });

async function start(
  authorize: (event: Event) => Outcome,
  message: (event: Event) => Outcome = () => result({ statusCode: 200 }),
) {
  const folder = mkdtempSync(join(tmpdir(), "sockets-"));
  let now = Date.parse("2026-11-27T12:00:00Z");
  const seen: { arn: string; source: string; event: Event }[] = [];
  const context = contextIn(folder);
  const gateway = createApiGateway(context, {
    now: () => now,
    async invoke(arn, source, event) {
      const told = event as Event;
      seen.push({ arn, source, event: told });
      if (told.type === "REQUEST") return authorize(told);
      return told.requestContext.eventType === "MESSAGE" ? message(told) : result({ statusCode: 200 });
    },
  });
  const create = (kind: string, name: string, inputs: Record<string, unknown>) =>
    gateway.resources[`aws:${kind}`]!({ type: `aws:${kind}`, name, inputs });
  const uri = (name: string) =>
    `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:${name}/invocations`;
  const api = await create("apigatewayv2/api:Api", "api", {
    protocolType: "WEBSOCKET",
    routeSelectionExpression: "$request.body.action",
  });
  const apiId = api.id;
  const authorizer = await create("apigatewayv2/authorizer:Authorizer", "auth", {
    ...{ apiId, name: "a", authorizerType: "REQUEST", authorizerUri: uri("admit") },
  });
  const integration = await create("apigatewayv2/integration:Integration", "int", {
    ...{ apiId, integrationType: "AWS_PROXY", integrationUri: uri("live") },
  });
  const target = `integrations/${integration.id}`;
  await create("apigatewayv2/route:Route", "c", {
    ...{ apiId, routeKey: "$connect", target, authorizationType: "CUSTOM", authorizerId: authorizer.id },
  });
  await create("apigatewayv2/route:Route", "x", { apiId, routeKey: "$disconnect", target });
  await create("apigatewayv2/route:Route", "d", {
    ...{ apiId, routeKey: "$default", target, routeResponseSelectionExpression: "$default" },
  });
  await create("apigateway/account:Account", "account", { cloudwatchRoleArn: "arn:aws:iam::000000000000:role/logs" });
  await create("apigatewayv2/stage:Stage", "stage", {
    ...{ apiId, name: "live", autoDeploy: true },
    accessLogSettings: {
      destinationArn: "arn:aws:logs:us-east-1:000000000000:log-group:access",
      format: '{"id":"$context.requestId","event":"$context.eventType","status":"$context.status"}',
    },
  });
  const server: Server = createServer();
  server.on("upgrade", (request, socket, head) => {
    const [path, query = ""] = request.url!.split("?") as [string, string?];
    const asked = { query, headers: request.headers as Record<string, string>, sourceIp: "192.0.2.7" };
    void gateway.open({ ...asked, host: `${apiId}.execute-api.us-east-1.amazonaws.com`, path }, request, socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const asking = (method: string, id: string, body = ""): ApiCall => ({
    ...{ service: "execute-api", region: "us-east-1", method, headers: {}, body: Buffer.from(body) },
    url: `/live/@connections/${encodeURIComponent(id)}`,
  });
  const open = (query = "?ticket=t") =>
    new Promise<WebSocketClient>((resolve, reject) => {
      const socket = new WebSocketClient(`ws://127.0.0.1:${port}/live${query}`);
      socket.on("open", () => resolve(socket));
      socket.on("unexpected-response", (_, answer) => reject(new Error(String(answer.statusCode))));
      socket.on("error", reject);
    });
  return {
    ...{ gateway, seen, open, port, asking, apiId },
    ask: (method: string, id: string, body?: string) => gateway.api!.call(asking(method, id, body)),
    /** The id of the socket that was opened last. */
    newest: () =>
      String(
        seen.findLast(({ event }) => event.requestContext.eventType === "CONNECT" && event.type === undefined)!.event
          .requestContext.connectionId,
      ),
    advance: (ms: number) => {
      now += ms;
    },
    log: () =>
      readFileSync(join(folder, "logs", "access.log"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    async close() {
      await gateway.close();
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type World = Awaited<ReturnType<typeof start>>;

const allow = (event: Event): Outcome =>
  result({
    principalId: "me",
    policyDocument: { Statement: [{ Effect: "Allow", Action: "execute-api:Invoke", Resource: event.methodArn }] },
    context: { tenant: "cus_1", number: 3 },
  });
/** Sends a message in frames of these lengths. */
function inFrames(socket: WebSocketClient, lengths: readonly number[]): void {
  for (const [at, length] of lengths.entries()) socket.send("x".repeat(length), { fin: at === lengths.length - 1 });
}
const frames = (count: number, length: number): number[] => Array.from({ length: count }, () => length);
/** The code that a socket is closed with. */
function closeOf(socket: WebSocketClient): () => Promise<number | undefined> {
  let closed: number | undefined;
  socket.on("close", (code) => {
    closed = code;
  });
  return () =>
    eventually(
      () => closed,
      (code) => code !== undefined,
    );
}

test("every message carries the authoriser's context, and the function's answer goes back over the socket", async () => {
  const world = await start(allow, ({ body }) => result({ statusCode: 200, body: `heard ${String(body)}` }));
  const socket = await world.open("?ticket=one&ticket=two");
  const heard = new Promise<string>((resolve) => socket.on("message", (data) => resolve(String(data))));
  socket.send("hello");
  assert.equal(await heard, "heard hello");
  socket.close();
  await eventually(
    () => world.seen.at(-1)!.event.requestContext.eventType,
    (kind) => kind === "DISCONNECT",
  );
  const [authorized, connected, said, ended] = world.seen;
  assert.deepEqual(authorized!.event.queryStringParameters, { ticket: "two" });
  assert.match(authorized!.source, /^arn:aws:execute-api:us-east-1:000000000000:\w+\/authorizers\/\w+$/);
  assert.match(connected!.source, /\/live\/\$connect$/);
  for (const each of [connected, said, ended])
    assert.deepEqual(
      { ...(each!.event.requestContext.authorizer as object) },
      { principalId: "me", tenant: "cus_1", number: 3 },
    );
  assert.equal(said!.event.requestContext.connectionId, connected!.event.requestContext.connectionId);
  assert.deepEqual(
    world.log().map(({ event, status }) => [event, status]),
    [
      ["CONNECT", "200"],
      ["MESSAGE", "200"],
      ["DISCONNECT", "200"],
    ],
  );
  await world.close();
});

const deny = (event: Event): Outcome =>
  result({
    policyDocument: { Statement: [{ Effect: "Deny", Action: "execute-api:Invoke", Resource: event.methodArn }] },
  });
const fails = (errorMessage: string) => (): Outcome => ({
  kind: "error",
  error: { errorType: "Error", errorMessage, trace: [] },
});
for (const [what, authorize, status] of [
  ["denies", deny, "403"],
  ["says nothing about the asked action", () => result({}), "403"],
  ['throws "Unauthorized"', fails("Unauthorized"), "401"],
  ["fails", fails("oops"), "500"],
  [
    "has a context that is no text, number or truth value",
    (event: Event) => {
      const {
        result: { json },
      } = allow(event) as { result: { json: string } } & Outcome;
      return result({ ...JSON.parse(json), context: { list: [] } });
    },
    "500",
  ],
] as const)
  test(`a handshake whose authoriser ${what} is ${status}`, async () => {
    const world = await start(authorize as (event: Event) => Outcome);
    await assert.rejects(world.open(), new RegExp(status));
    await world.close();
  });

test("a handshake with a query of more than 4,096 characters is 414, and no function hears of it", async () => {
  const world = await start(allow);
  const query = (length: number) => `?ticket=${"t".repeat(length - "ticket=".length)}`;
  await assert.rejects(world.open(query(4_097)), /414/);
  assert.deepEqual(world.seen, []);
  await world.open(query(4_096));
  await world.close();
});

/** Whether a socket is open, as API Gateway has it. */
const isOpen = (world: World, id: string): Promise<boolean> =>
  world.ask("GET", id).then(
    ({ status }) => status === 200,
    () => false,
  );

test("a frame over 32 KB and a message over 128 KB close the socket with 1009, a binary one with 1003", async () => {
  const world = await start(allow);
  const refused: [says: string, code: number, say: (socket: WebSocketClient) => void][] = [
    ["one byte over a frame", 1009, (socket) => socket.send("x".repeat(32 * 1_024 + 1))],
    ["one byte over a later frame", 1009, (socket) => inFrames(socket, [10, 32 * 1_024 + 1, 10])],
    ["one byte over a message", 1009, (socket) => inFrames(socket, [...frames(4, 32 * 1_024), 1])],
    ["a message of many short frames", 1009, (socket) => inFrames(socket, frames(129, 1_024))],
    ["no text", 1003, (socket) => socket.send(Buffer.from([1, 2, 3]))],
  ];
  for (const [says, code, say] of refused) {
    const socket = await world.open();
    const closed = closeOf(socket);
    say(socket);
    assert.equal(await closed(), code, says);
  }
  const fits = await world.open();
  const id = world.newest();
  inFrames(fits, frames(4, 32 * 1_024));
  await eventually(
    () => String(world.seen.at(-1)!.event.body).length,
    (length) => length === 128 * 1_024,
  );
  assert.ok(await isOpen(world, id));
  assert.equal(world.seen.filter(({ event }) => event.requestContext.eventType === "MESSAGE").length, 1);
  await world.close();
});

test("a socket that is idle for ten minutes is closed with 1001, and not before; what is said to it counts as well", async () => {
  const world = await start(allow);
  const idle = await world.open();
  const closed = closeOf(idle);
  const told = await world.open();
  const toldId = world.newest();
  const heard = await world.open();
  const heardId = world.newest();
  world.advance(1);
  await world.ask("POST", toldId, "news");
  heard.send("still here");
  await eventually(
    () => world.seen.at(-1)!.event.body,
    (body) => body === "still here",
  );
  world.advance(10 * MINUTE - 1);
  assert.equal(await closed(), 1001);
  assert.deepEqual([await isOpen(world, toldId), await isOpen(world, heardId)], [true, true]);
  const both = [closeOf(told), closeOf(heard)];
  world.advance(1);
  for (const ended of both) assert.equal(await ended(), 1001);
  await world.close();
});

test("a socket that is open for two hours is closed with 1001, and not before, however much is said", async () => {
  const world = await start(allow);
  const old = await world.open();
  const oldId = world.newest();
  const closed = closeOf(old);
  world.advance(1);
  const young = await world.open();
  const youngId = world.newest();
  /** Both get something: nobody is idle. */
  const tell = async () => {
    for (const id of [oldId, youngId]) await world.ask("POST", id, "news");
  };
  for (let spent = 0; spent < 2 * HOUR - 9 * MINUTE; spent += 9 * MINUTE) {
    await tell();
    world.advance(9 * MINUTE);
  }
  await tell();
  world.advance(3 * MINUTE - 1);
  assert.equal(await closed(), 1001);
  assert.ok(await isOpen(world, youngId));
  const ended = closeOf(young);
  world.advance(1);
  assert.equal(await ended(), 1001);
  await world.close();
});

test("sockets end with 1001 when the machine stops, and their functions hear of it before anything else goes", async () => {
  const world = await start(allow);
  const sockets = [await world.open(), await world.open()];
  const codes = sockets.map(closeOf);
  await world.gateway.endSockets();
  for (const ended of codes) assert.equal(await ended(), 1001);
  const left = world.seen.filter(({ event }) => event.requestContext.eventType === "DISCONNECT");
  assert.equal(left.length, 2);
  await world.close();
});

test("@connections sends, tells and closes; one that is gone is 410, and over 128 KB is 413", async () => {
  const world = await start(allow);
  const socket = await world.open();
  const id = String(world.seen.at(-1)!.event.requestContext.connectionId);
  const heard: string[] = [];
  socket.on("message", (data) => heard.push(String(data)));
  assert.equal((await world.ask("POST", id, "a".repeat(100_000))).status, 200);
  await eventually(
    () => heard[0]?.length,
    (length) => length === 100_000,
  );
  const view = JSON.parse(String((await world.ask("GET", id)).body));
  assert.equal(view.identity.sourceIp, "192.0.2.7");
  await assert.rejects(world.ask("POST", id, "a".repeat(128 * 1_024 + 1)), {
    code: "PayloadTooLargeException",
    status: 413,
  });
  assert.deepEqual(world.gateway.api!.authorizations(world.asking("POST", id)), [
    {
      action: "execute-api:ManageConnections",
      resources: [`arn:aws:execute-api:us-east-1:000000000000:${world.apiId}/live/POST/@connections/${id}`],
    },
  ]);
  const closed = closeOf(socket);
  assert.equal((await world.ask("DELETE", id)).status, 204);
  assert.equal(await closed(), 1000);
  for (const method of ["POST", "GET", "DELETE"])
    await assert.rejects(world.ask(method, id, "x"), { code: "GoneException", status: 410 });
  await world.close();
});

test("a setting that API Gateway would refuse stops the start", async () => {
  const world = await start(allow);
  const create = (kind: string, inputs: Record<string, unknown>) =>
    world.gateway.resources[`aws:apigatewayv2/${kind}`]!({ type: kind, name: "other", inputs });
  const { apiId } = world;
  await assert.rejects(
    create("authorizer:Authorizer", { apiId, authorizerType: "JWT", authorizerUri: "x" }),
    /REQUEST/,
  );
  await assert.rejects(
    create("route:Route", { apiId, routeKey: "$default", target: "integrations/none" }),
    /no integrations/,
  );
  await assert.rejects(create("stage:Stage", { apiId, name: "other", autoDeploy: true, unknown: 1 }), /"unknown"/);
  await world.close();
});

test("lengths of frames are read correctly, at any cut of the bytes", () => {
  const frame = (length: number) => {
    const head =
      length < 126
        ? [0x81, 0x80 | length]
        : length < 65_536
          ? [0x81, 0x80 | 126, length >> 8, length & 255]
          : [0x81, 0x80 | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
    return Buffer.concat([Buffer.from([...head, 1, 2, 3, 4]), Buffer.alloc(length)]);
  };
  const lengths = [0, 5, 125, 126, 40_000, 70_000];
  const bytes = Buffer.concat(lengths.map(frame));
  for (const step of [1, 3, 1_000, bytes.length]) {
    const tap = new FrameLengths();
    let most = 0;
    for (let at = 0; at < bytes.length; at += step) most = Math.max(most, tap.take(bytes.subarray(at, at + step)));
    assert.equal(most, 70_000);
  }
});

test("a request that is not a handshake reaches no socket", async () => {
  const world = await start(allow);
  const socket = connect(world.port, "127.0.0.1");
  const answer = new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
  socket.write("GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  assert.match(await answer, /^HTTP\/1\.1 400/);
  socket.destroy();
  await world.close();
});

test.run();
