/** Redis, a secret and an SQS that takes everything, in a thread of their own: the other side of the bench's calls. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { Keyspace } from "../../../../local/redis/keyspace.ts";
import { createRedisServer } from "../../../../local/redis/server.ts";

const redis = await createRedisServer(new Keyspace(workerData.folder), { token: undefined });
await new Promise<void>((resolve) => redis.listen(0, "127.0.0.1", resolve));
const http = createServer((incoming, response) => {
  incoming.resume();
  const secret = incoming.headers["x-amz-target"] === "secretsmanager.GetSecretValue";
  const answer = secret ? JSON.stringify({ SecretString: workerData.peppers }) : '{"MessageId":"1"}';
  incoming.on("end", () => response.end(incoming.url === "/" ? answer : '{"tenants":[]}'));
});
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
parentPort!.postMessage({
  redis: `redis://127.0.0.1:${(redis.address() as AddressInfo).port}`,
  endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
});
