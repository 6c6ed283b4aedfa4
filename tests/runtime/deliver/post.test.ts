import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import type { Agent } from "undici";
import { test } from "uvu";
import { guardedAgent } from "../../../runtime/deliver/connect.ts";
import { nameOf, type PostResult, post } from "../../../runtime/deliver/post.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { eventually } from "../../support/eventually.ts";
import { certificate, privateKey } from "./certificate.ts";

const open: (net.Server & { closeAllConnections?(): void })[] = [];
test.after(() => {
  for (const server of open) {
    server.close();
    server.closeAllConnections?.();
  }
});

async function listening(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(server);
  return (server.address() as AddressInfo).port;
}

/** Ample, so that a busy machine fails no test; what is to run out of time gets `HASTY_MS`. */
const PATIENT_MS = 10_000;
const HASTY_MS = 150;
const limits = { timeoutMs: PATIENT_MS, restMs: 60 };
async function send(url: string, timeoutMs = PATIENT_MS, ca?: string): Promise<PostResult> {
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS, ...defined({ ca }) });
  try {
    return await post(
      agent,
      { url: new URL(url), headers: { "content-type": "application/json" }, body: Buffer.from("{}") },
      { ...limits, timeoutMs },
    );
  } finally {
    await agent.destroy();
  }
}

/** What came of it, without the time it took. */
const told = ({ latency_ms: _, ...rest }: PostResult) => rest;
const answering = async (listener: http.RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listening(http.createServer(listener))}/in`;
const raw = async (talk: (socket: net.Socket) => void): Promise<string> =>
  `http://127.0.0.1:${await listening(
    net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => talk(socket));
    }),
  )}/in`;

test("a 2xx counts as delivered, with the beginning of the answer", async () => {
  const url = await answering((_, answer) => answer.writeHead(202).end("thanks"));
  assert.deepEqual(told(await send(url)), { status: 202, error: null, excerpt: "thanks" });
});

test("at most 1 KB of a huge answer is read, then the connection is closed", async () => {
  let closed = false;
  const url = await answering((_, answer) => {
    answer.on("close", () => {
      closed = true;
    });
    answer.writeHead(200);
    const more = () => {
      if (!closed) answer.write("x".repeat(65_536), () => setImmediate(more));
    };
    more();
  });
  const { status, error, excerpt } = await send(url);
  assert.deepEqual([status, error, excerpt], [200, null, "x".repeat(1_024)]);
});

test("a redirect is a failure and is not followed", async () => {
  let second = false;
  const target = await answering((_, answer) => {
    second = true;
    answer.end();
  });
  const url = await answering((_, answer) => answer.writeHead(307, { location: target }).end());
  assert.deepEqual(told(await send(url)), { status: 307, error: "redirect" });
  assert.equal(second, false);
});

test("Retry-After is handed on as it was sent", async () => {
  const url = await answering((_, answer) => answer.writeHead(503, { "retry-after": "120" }).end("busy"));
  assert.deepEqual(told(await send(url)), { status: 503, error: "http_error", retryAfter: "120", excerpt: "busy" });
});

test("410 says that the webhook is gone", async () => {
  const url = await answering((_, answer) => answer.writeHead(410).end());
  assert.deepEqual(told(await send(url)), { status: 410, error: "gone" });
});

test("an endpoint that never answers times out", async () => {
  const url = await answering(() => undefined);
  const { latency_ms, ...rest } = await send(url, HASTY_MS);
  assert.deepEqual(rest, { status: null, error: "timeout" });
  assert.ok(latency_ms >= HASTY_MS - 1);
});

test("an endpoint that sends its headers byte by byte times out", async () => {
  const url = await raw((socket) => {
    const drip = setInterval(() => socket.write("H"), 20);
    socket.write("HTTP/1.1 200 OK\r\n");
    socket.on("close", () => clearInterval(drip));
  });
  assert.deepEqual(told(await send(url, HASTY_MS)), { status: null, error: "timeout" });
});

test("an endpoint that answers 200 and drips its body counts as delivered, and the post does not wait for the body", async () => {
  const url = await answering((_, answer) => {
    answer.writeHead(200).write("a");
    const drip = setInterval(() => answer.write("a"), 20);
    answer.on("close", () => clearInterval(drip));
  });
  const { status, error, latency_ms } = await send(url);
  assert.deepEqual([status, error], [200, null]);
  assert.ok(latency_ms < PATIENT_MS);
});

test("every fault has its own name", async () => {
  const port = await listening(net.createServer());
  const closed = net.createServer();
  closed.listen(0, "127.0.0.1");
  await once(closed, "listening");
  const refused = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/`;
  await new Promise((resolve) => closed.close(resolve));
  const tlsPort = await listening(
    https.createServer({ cert: certificate, key: privateKey }, (_, answer) => answer.end()),
  );
  const cases: [name: string, url: string][] = [
    ["connection_refused", refused],
    ["connection_reset", await raw((socket) => socket.resetAndDestroy())],
    ["connection_closed", await raw((socket) => socket.end())],
    ["headers_too_large", await raw((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`))],
    ["protocol_error", await raw((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"))],
    ["tls_error", `https://127.0.0.1:${tlsPort}/`],
    [
      "tls_error",
      refused.replace(/.*/, `https://127.0.0.1:${await listening(net.createServer((s) => s.end("plain text")))}/`),
    ],
    ["timeout", `http://127.0.0.1:${port}/`],
  ];
  const got: [string | null, string][] = [];
  for (const [name, url] of cases) got.push([(await send(url, name === "timeout" ? HASTY_MS : PATIENT_MS)).error, url]);
  assert.deepEqual(got, cases);
});

test("names of failures that need a network", () => {
  const coded = (code: string, more = {}) => nameOf(Object.assign(new Error(code), { code, ...more }));
  assert.deepEqual(
    ["ENOTFOUND", "EAI_AGAIN", "CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID", "DEPTH_ZERO_SELF_SIGNED_CERT"].map(
      (code) => coded(code),
    ),
    ["dns_error", "dns_error", "tls_error", "tls_error", "tls_error"],
  );
  assert.equal(coded("EHOSTUNREACH"), "unreachable");
  assert.equal(coded("UND_ERR_CONNECT_TIMEOUT"), "connect_timeout");
  assert.equal(coded("UND_ERR_SOCKET", { cause: { code: "ECONNRESET" } }), "connection_reset");
  assert.equal(
    nameOf(new AggregateError([Object.assign(new Error(), { code: "ECONNREFUSED" })])),
    "connection_refused",
  );
  assert.equal(nameOf(new Error("?")), "connection_failed");
});

test("HTTP/2 is spoken where it is offered, many posts over one connection", async () => {
  const server = http2.createSecureServer({ cert: certificate, key: privateKey, allowHTTP1: true });
  const versions = new Set<string>();
  let sessions = 0;
  server.on("session", () => {
    sessions += 1;
  });
  server.on("request", (request, answer) => {
    versions.add(request.httpVersion);
    answer.writeHead(200);
    answer.end("two");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/in`);
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS, ca: certificate });
  const one = () => post(agent, { url, headers: { "content-type": "application/json" }, body: Buffer.from("{}") });
  assert.deepEqual(told(await one()), { status: 200, error: null, excerpt: "two" });
  const rest = await Promise.all(Array.from({ length: 5 }, one));
  assert.ok(rest.every(({ status }) => status === 200));
  assert.deepEqual([[...versions], sessions], [["2.0"], 1]);
  await agent.destroy();
  server.close();
});

/** An HTTP/2 server that treats each stream as told. */
async function answeringHttp2(talk: (stream: http2.ServerHttp2Stream) => void) {
  const server = http2.createSecureServer({ cert: certificate, key: privateKey });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session.on("error", () => undefined));
  });
  server.on("stream", (stream) => talk(stream.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

test("over HTTP/2, too, every fault has a name, and no answer is read past 1 KB or waited for past its time", async () => {
  const { constants } = http2;
  const cases: [name: string | null, status: number | null, talk: (stream: http2.ServerHttp2Stream) => void][] = [
    [null, 200, (stream) => stream.respond({ ":status": 200 }, { endStream: true })],
    ["http_error", 503, (stream) => stream.respond({ ":status": 503 }, { endStream: true })],
    ["redirect", 308, (stream) => stream.respond({ ":status": 308, location: "/other" }, { endStream: true })],
    ["timeout", null, () => undefined],
    ["protocol_error", null, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
    ["connection_closed", null, (stream) => stream.session!.destroy()],
    ["protocol_error", null, (stream) => stream.session!.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)],
    [
      null,
      200,
      (stream) => {
        stream.respond({ ":status": 200 });
        const more = () => void (stream.destroyed || stream.write("x".repeat(65_536), () => setImmediate(more)));
        more();
      },
    ],
    [
      null,
      200,
      (stream) => {
        stream.respond({ ":status": 200 });
        const drip = setInterval(() => stream.write("x"), 20);
        stream.on("close", () => clearInterval(drip));
      },
    ],
  ];
  const got: [string | null, number | null][] = [];
  for (const [name, , talk] of cases) {
    const { url, close } = await answeringHttp2(talk);
    const timeoutMs = name === "timeout" ? HASTY_MS : PATIENT_MS;
    const { error, status, excerpt = "" } = await send(url, timeoutMs, certificate);
    assert.ok(excerpt.length <= 1_024);
    got.push([error, status]);
    close();
  }
  assert.deepEqual(
    got,
    cases.map(([error, status]) => [error, status]),
  );
});

test("an HTTP/2 server that says GOAWAY between two posts gets a new connection", async () => {
  const sessions = new Set<unknown>();
  const { url, close } = await answeringHttp2((stream) => {
    stream.respond({ ":status": 200 }, { endStream: true });
    sessions.add(stream.session);
    stream.session!.close();
  });
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS, ca: certificate });
  for (let n = 1; n <= 3; n += 1) {
    const { status, error } = await post(agent, { url: new URL(url), headers: {}, body: Buffer.from("{}") });
    assert.deepEqual([status, error, sessions.size], [200, null, n]);
  }
  await agent.destroy();
  close();
});

const mega = Buffer.alloc(1_000_000, 120);
const early: [says: string, answer: string, error: string | null, status: number | null][] = [
  ["200", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", null, 200],
  ["413", "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", "http_error", 413],
];
for (const [says, answer, error, status] of early) {
  test(`an endpoint that answers ${says} and closes before it has read the body has answered`, async () => {
    const url = await raw((socket) => socket.pause().end(answer));
    const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
    const result = await post(
      agent,
      { url: new URL(url), headers: {}, body: mega },
      { timeoutMs: PATIENT_MS, restMs: 60 },
    );
    assert.deepEqual([result.error, result.status], [error, status]);
    await agent.destroy();
  });
}

test("an endpoint that resets in the middle of a large body is named so", async () => {
  const url = await raw((socket) => socket.resetAndDestroy());
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
  const { error } = await post(
    agent,
    { url: new URL(url), headers: {}, body: mega },
    { timeoutMs: PATIENT_MS, restMs: 60 },
  );
  assert.equal(error, "connection_reset");
  await agent.destroy();
});

test("a header that can't be sent fails the attempt by name, over either protocol, and throws nothing", async () => {
  const { url: h2, close } = await answeringHttp2((stream) => stream.respond({ ":status": 200 }, { endStream: true }));
  const h1 = await answering((_, reply) => reply.end());
  for (const url of [h1, h2]) {
    for (const headers of [
      { "x-own": "snow\u2603" },
      { "x-own": "a\r\nb: c" },
      { "x own": "a" },
      { "x-own": "a\0b" },
    ]) {
      const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS, ca: certificate });
      const { error, status } = await post(agent, { url: new URL(url), headers, body: Buffer.from("{}") }, limits);
      assert.deepEqual([error, status], ["invalid_request", null], `${url} ${JSON.stringify(headers)}`);
      await agent.destroy();
    }
  }
  close();
});

test("HTTP/1.1 connections are kept and used again", async () => {
  let connections = 0;
  const server = http.createServer((_, answer) => answer.end("ok"));
  server.on("connection", () => {
    connections += 1;
  });
  const url = new URL(`http://127.0.0.1:${await listening(server)}/`);
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
  for (let n = 0; n < 5; n += 1)
    assert.equal((await post(agent, { url, headers: {}, body: Buffer.from("{}") })).status, 200);
  // The second is opened where a post follows before the first connection has noticed that it is free.
  assert.ok(connections <= 2, `${connections} connections for five posts`);
  await agent.destroy();
});

/** Until the connection of the post before can be used again. */
const idle = (agent: Agent) =>
  eventually(
    () => Object.values(agent.stats).map((stats) => "free" in stats && stats.free),
    ([free]) => free !== 0,
  );
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
for (const [says, answers] of [
  ["100", [`HTTP/1.1 100 Continue\r\n\r\n${OK}`]],
  ["100 with headers, in pieces", ["HTTP/1.1 1", "00 Continue\r\nx-a: b\r", "\n\r", `\n${OK}`]],
  [
    "100, 102, 103 and 100 again",
    [
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`,
    ],
  ],
] as const)
  test(`an unasked ${says} before the answer is passed over, on a new connection and on one that is kept`, async () => {
    let connections = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      socket.on("error", () => undefined);
      socket.on("data", async () => {
        for (const piece of answers) {
          socket.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
    const url = new URL(`http://127.0.0.1:${await listening(server)}/in`);
    const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
    for (let n = 0; n < 3; n += 1) {
      const result = await post(agent, { url, headers: {}, body: Buffer.from("{}") }, limits);
      assert.deepEqual(told(result), { status: 200, error: null, excerpt: "ok" });
      await idle(agent);
    }
    assert.equal(connections, 1);
    await agent.destroy();
  });

test("a 101, and a 100 without a final answer, are failures", async () => {
  const upgrade = await raw((socket) =>
    socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
  );
  assert.deepEqual(told(await send(upgrade)), { status: null, error: "connection_closed" });
  const only = await raw((socket) => socket.end("HTTP/1.1 100 Continue\r\n\r\n"));
  assert.deepEqual(told(await send(only)), { status: null, error: "connection_closed" });
});

/** An endpoint that answers the first post of a connection, and treats the second as told. */
async function fickle(second: (socket: net.Socket) => void) {
  const posts: number[] = [];
  let connections = 0;
  const server = net.createServer((socket) => {
    const mine = ++connections;
    let nth = 0;
    socket.on("error", () => undefined);
    socket.on("data", () => {
      posts.push(mine);
      nth += 1;
      if (nth === 1) socket.write(OK);
      else second(socket);
    });
  });
  const url = new URL(`http://127.0.0.1:${await listening(server)}/in`);
  return { posts, url };
}
const fresh = (agents: { destroy(): Promise<void> }[]) => () => {
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
  agents.push(agent);
  return agent;
};

for (const [how, close] of [
  ["closes", (socket: net.Socket) => socket.end()],
  ["resets", (socket: net.Socket) => socket.resetAndDestroy()],
] as const)
  test(`a kept connection that the endpoint ${how} as it is used again costs one more connection, and no attempt`, async () => {
    const { posts, url } = await fickle(close);
    const agents: { destroy(): Promise<void> }[] = [];
    const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
    const one = () => post(agent, { url, headers: {}, body: Buffer.from("{}") }, limits, fresh(agents));
    assert.equal((await one()).status, 200);
    await idle(agent);
    assert.deepEqual(told(await one()), { status: 200, error: null, excerpt: "ok" });
    assert.deepEqual([posts, agents.length], [[1, 1, 2], 1]);
    for (const each of [agent, ...agents]) await each.destroy();
  });

test("a new connection that is closed without an answer is a failed attempt, and so is one that had begun to answer", async () => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end());
  });
  const url = new URL(`http://127.0.0.1:${await listening(server)}/in`);
  const agents: { destroy(): Promise<void> }[] = [];
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
  const one = (to: URL) => post(agent, { url: to, headers: {}, body: Buffer.from("{}") }, limits, fresh(agents));
  assert.deepEqual([(await one(url)).error, connections], ["connection_closed", 1]);
  const begun = await fickle((socket) => socket.end("HTTP/1.1 103 Early Hints\r\n\r\n"));
  await one(begun.url);
  await idle(agent);
  assert.deepEqual([(await one(begun.url)).error, begun.posts, agents.length], ["connection_closed", [1, 1], 0]);
  await agent.destroy();
});

test("there is one second try, and both share the time limit of one", async () => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    const mine = connections;
    let nth = 0;
    socket.on("error", () => undefined);
    socket.on("data", () => {
      nth += 1;
      if (mine === 1 && nth === 1) socket.write(OK);
      else if (mine === 1) socket.end();
    });
  });
  const url = new URL(`http://127.0.0.1:${await listening(server)}/in`);
  const agents: { destroy(): Promise<void> }[] = [];
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS });
  const one = (timeoutMs: number) =>
    post(agent, { url, headers: {}, body: Buffer.from("{}") }, { ...limits, timeoutMs }, fresh(agents));
  await one(PATIENT_MS);
  await idle(agent);
  assert.deepEqual([(await one(HASTY_MS)).error, connections], ["timeout", 2]);
  for (const each of [agent, ...agents]) await each.destroy();
});

test("over HTTP/2 an unasked 100 is passed over, and a session that is closed as it is used again costs one more", async () => {
  const server = http2.createSecureServer({ cert: certificate, key: privateKey });
  let sessions = 0;
  server.on("session", (session) => {
    const mine = ++sessions;
    let nth = 0;
    session.on("error", () => undefined);
    session.on("stream", (stream) => {
      nth += 1;
      stream.on("error", () => undefined);
      if (mine === 1 && nth === 2) {
        session.destroy();
        return;
      }
      stream.additionalHeaders({ ":status": 100 });
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
  });
  const url = new URL(`https://localhost:${await listening(server)}/in`);
  const agents: { destroy(): Promise<void> }[] = [];
  const make = () => {
    const made = guardedAgent({ allowLoopback: true, timeoutMs: PATIENT_MS, ca: certificate });
    agents.push(made);
    return made;
  };
  const agent = make();
  const one = () => post(agent, { url, headers: {}, body: Buffer.from("{}") }, limits, make);
  assert.deepEqual(told(await one()), { status: 200, error: null, excerpt: "ok" });
  await idle(agent);
  assert.deepEqual(told(await one()), { status: 200, error: null, excerpt: "ok" });
  assert.equal(sessions, 2);
  for (const each of agents) await each.destroy();
});

test.run();
