import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keyspace } from "../../../../local/redis/keyspace.ts";
import { createRedisServer } from "../../../../local/redis/server.ts";
import { FORGET_SCRIPT } from "../../../../runtime/ingest/forget.ts";
import { connectRedis, type RedisConnection } from "../../../../runtime/redis/connect.ts";
import { CLAIM_SCRIPT, SETTLE_SCRIPT } from "../../../../runtime/redis/idempotency.ts";
import { WINDOW_SCRIPT } from "../../../../runtime/redis/window.ts";

export interface TestRedis {
  readonly url: string;
  readonly connection: RedisConnection;
  /** Cuts every connection and accepts none until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

/** The embedded Redis on a free port, with the connection that ingest makes to it. */
export async function startRedis(token?: string): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const db = new Keyspace(folder);
  const sockets = new Set<Socket>();
  const start = async (port: number): Promise<Server> => {
    const made = await createRedisServer(db, { token });
    made.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    await listen(made, port);
    return made;
  };
  let server = await start(0);
  const { port } = server.address() as AddressInfo;
  const url = `redis://127.0.0.1:${port}`;
  const connection = connectRedis({
    url,
    token: async () => token ?? "",
    scripts: { window: WINDOW_SCRIPT, claim: CLAIM_SCRIPT, settle: SETTLE_SCRIPT, forget: FORGET_SCRIPT },
  });
  /** With the patience of a busy machine: what is tested is what scripts decide, not how fast. */
  const patient: RedisConnection = {
    ...connection,
    run: (script, names, args) => connection.run(script, names, args, 10_000),
  };
  const down = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    url,
    connection: patient,
    down,
    up: async () => {
      server = await start(port);
    },
    close: async () => {
      await connection.close();
      await down();
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
