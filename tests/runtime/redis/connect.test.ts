import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "uvu";
import { connectRedis } from "../../../runtime/redis/connect.ts";
import { eventually } from "../../support/eventually.ts";

/** A host that takes connections; as long as `silent`, it is one that was lost: nothing comes back, nothing is closed. */
async function start() {
  const sockets: Socket[] = [];
  const state = { silent: false };
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    // Each command, an array of strings on the wire, is answered "PONG", in order.
    let unanswered = 0;
    socket.on("data", (data) => {
      unanswered += data.toString().match(/^\*\d/gm)?.length ?? 0;
      if (state.silent) return;
      socket.write("+PONG\r\n".repeat(unanswered));
      unanswered = 0;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const redis = connectRedis({
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: async () => "",
    scripts: {},
  });
  const ping = (patienceMs: number) => redis.command("PING", [], patienceMs).then(String, (error) => error.message);
  const close = async () => {
    await redis.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { sockets, state, ping, close };
}

test("a connection that went silent is given up after three commands, and the next finds Redis again", async () => {
  const { sockets, state, ping, close } = await start();
  assert.equal(await ping(10_000), "PONG");
  state.silent = true;
  for (let i = 0; i < 3; i += 1) assert.equal(await ping(20), "Redis took longer than 20 ms");
  assert.equal(sockets.length, 1);
  state.silent = false;
  assert.equal(await ping(10_000), "PONG");
  assert.equal(sockets.length, 2);
  await close();
});

test("an answer between two that were late keeps the connection", async () => {
  const { sockets, state, ping, close } = await start();
  assert.equal(await ping(10_000), "PONG");
  for (let i = 0; i < 3; i += 1) {
    state.silent = true;
    for (let late = 0; late < 2; late += 1) await ping(20);
    state.silent = false;
    assert.equal(await ping(10_000), "PONG");
  }
  assert.equal(sockets.length, 1);
  await close();
});

test("a connection that never answers one command is closed, though nothing else is asked", async () => {
  const { sockets, state, ping, close } = await start();
  assert.equal(await ping(10_000), "PONG");
  state.silent = true;
  const closed = once(sockets[0]!, "close");
  assert.equal(await ping(20), "Redis took longer than 20 ms");
  await closed;
  state.silent = false;
  assert.equal(await ping(10_000), "PONG");
  assert.equal(sockets.length, 2);
  await close();
});

test("a late answer keeps the connection", async () => {
  const { sockets, state, ping, close } = await start();
  assert.equal(await ping(10_000), "PONG");
  state.silent = true;
  assert.equal(await ping(20), "Redis took longer than 20 ms");
  state.silent = false;
  // The host answers what it owes with the next command.
  assert.equal(await ping(10_000), "PONG");
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  assert.equal(await ping(10_000), "PONG");
  assert.equal(sockets.length, 1);
  await close();
});

test("a connection that does not answer a question is closed, and the other connections do not wait for it", async () => {
  const { sockets, state, ping, close } = await start();
  assert.equal(await ping(10_000), "PONG");
  state.silent = true;
  assert.match(await ping(60_000), /^Connection is closed/);
  state.silent = false;
  await eventually(
    () => ping(10_000),
    (answer) => answer === "PONG",
  );
  assert.equal(sockets.length, 2);
  await close();
});

test.run();
