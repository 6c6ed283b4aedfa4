import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { Keyspace } from "./keyspace.ts";
import { createRedisServer } from "./server.ts";

/** The embedded Redis in a thread of its own, so that a busy platform does not make limits slow. */
export interface RedisWorkerData {
  readonly folder: string;
  readonly token: string | undefined;
}

const { folder, token } = workerData as RedisWorkerData;
const db = new Keyspace(folder);
const server = await createRedisServer(db, { token });
server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as AddressInfo).port));
parentPort!.on("message", (task: "scrub" | "close") => {
  if (task === "scrub") {
    db.scrub();
    parentPort!.postMessage("scrubbed");
    return;
  }
  db.close();
  process.exit(0);
});
