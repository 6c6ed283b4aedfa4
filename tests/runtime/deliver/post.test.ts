import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { test } from "uvu";
import { guardedAgent } from "../../../runtime/deliver/connect.ts";
import { nameOf, type PostResult, post } from "../../../runtime/deliver/post.ts";
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

const limits = { timeoutMs: 150, restMs: 60 };
async function send(url: string, ca?: string): Promise<PostResult> {
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: 1_000, ...(ca === undefined ? {} : { ca }) });
  try {
    return await post(
      agent,
      { url: new URL(url), headers: { "content-type": "application/json" }, body: Buffer.from("{}") },
      limits,
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

test("a 2xx is delivered, with the beginning of what was answered", async () => {
  const url = await answering((_, answer) => answer.writeHead(202).end("thanks"));
  assert.deepEqual(told(await send(url)), { status: 202, error: null, excerpt: "thanks" });
});

test("of a huge answer 1 KB is read, and then the connection is left", async () => {
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
  const { latency_ms, ...rest } = await send(url);
  assert.deepEqual(rest, { status: null, error: "timeout" });
  assert.ok(latency_ms >= 149);
});

test("one that sends its headers byte by byte times out", async () => {
  const url = await raw((socket) => {
    const drip = setInterval(() => socket.write("H"), 20);
    socket.write("HTTP/1.1 200 OK\r\n");
    socket.on("close", () => clearInterval(drip));
  });
  assert.deepEqual(told(await send(url)), { status: null, error: "timeout" });
});

test("one that answers 200 and drips its body is delivered, and is not waited for", async () => {
  const url = await answering((_, answer) => {
    answer.writeHead(200).write("a");
    const drip = setInterval(() => answer.write("a"), 20);
    answer.on("close", () => clearInterval(drip));
  });
  const { status, error, latency_ms } = await send(url);
  assert.deepEqual([status, error], [200, null]);
  assert.ok(latency_ms < 150);
});

test("whatever goes wrong has its own name", async () => {
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
  for (const [, url] of cases) got.push([(await send(url)).error, url]);
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
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: 2_000, ca: certificate });
  const one = () => post(agent, { url, headers: { "content-type": "application/json" }, body: Buffer.from("{}") });
  assert.deepEqual(told(await one()), { status: 200, error: null, excerpt: "two" });
  const rest = await Promise.all(Array.from({ length: 5 }, one));
  assert.ok(rest.every(({ status }) => status === 200));
  assert.deepEqual([[...versions], sessions], [["2.0"], 1]);
  await agent.destroy();
  server.close();
});

test("HTTP/1.1 connections are kept and used again", async () => {
  let connections = 0;
  const server = http.createServer((_, answer) => answer.end("ok"));
  server.on("connection", () => {
    connections += 1;
  });
  const url = new URL(`http://127.0.0.1:${await listening(server)}/`);
  const agent = guardedAgent({ allowLoopback: true, timeoutMs: 2_000 });
  for (let n = 0; n < 5; n += 1)
    assert.equal((await post(agent, { url, headers: {}, body: Buffer.from("{}") })).status, 200);
  // The second is opened where a post follows before the first connection has noticed that it is free.
  assert.ok(connections <= 2, `${connections} connections for five posts`);
  await agent.destroy();
});

test.run();
