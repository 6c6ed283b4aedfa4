import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { serverToEmbedded } from "./carryOver.ts";
import { Keyspace } from "./keyspace.ts";
import { createRedisServer } from "./server.ts";

/** The embedded Redis in a thread of its own, so that a busy platform does not make limits slow. */
export interface RedisWorkerData {
  readonly folder: string;
  readonly token: string | undefined;
}

/** What the thread tells: the port that it listens on, once; that it has scrubbed; lines for the person watching. */
export type RedisWorkerMessage = { readonly port: number } | { readonly scrubbed: true } | { readonly line: string };

const tell = (message: RedisWorkerMessage): void => parentPort!.postMessage(message);
const log = (line: string): void => tell({ line });

const { folder, token } = workerData as RedisWorkerData;
const db = new Keyspace(folder, log);
serverToEmbedded(folder, db, log);
const server = await createRedisServer(db, { token });
server.listen(0, "127.0.0.1", () => tell({ port: (server.address() as AddressInfo).port }));
parentPort!.on("message", (task: "scrub" | "close") => {
  if (task === "scrub") {
    db.scrub();
    tell({ scrubbed: true });
    return;
  }
  db.close();
  process.exit(0);
});
