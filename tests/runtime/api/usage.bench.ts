/**
 * `GET /usage` for 30 days by hour: 720 items, each with 20 event types, 20 subscriptions and 5 keys, in the local platform's
 * DynamoDB. The handler's own share is measured by giving it the recorded answers again, without a DynamoDB.
 */
import { Readable } from "node:stream";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamodb } from "../../../local/dynamodb.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity, scopes } from "../../../runtime/domain/identity/identity.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { clientOf, serve } from "../../local/serve.ts";
import { startApi } from "../../support/api.ts";
import { median } from "../../support/median.ts";
import { addHourUp, countUsage } from "../../support/usage.ts";

const HOUR = 3_600_000;
const served = await serve(async (context) => {
  const dynamo = await createDynamodb(context);
  await dynamo.resources["aws:dynamodb/table:Table"]!({
    type: "aws:dynamodb/table:Table",
    name: "metrics",
    inputs: {
      name: "metrics",
      hashKey: "pk",
      rangeKey: "sk",
      billingMode: "PAY_PER_REQUEST",
      attributes: [
        { name: "pk", type: "S" },
        { name: "sk", type: "S" },
      ],
    },
  });
  return [dynamo];
});

type Handler = DynamoDBClient["config"]["requestHandler"];
type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: Buffer };
const recorded = new Map<string, Answer>();
let replaying = false;
let read = 0;

/** Answers as DynamoDB did before, or asks it and remembers. */
function recording(real: Handler): Handler {
  const handle: Handler["handle"] = async (request, options) => {
    const asked = Buffer.from(request.body as Uint8Array).toString();
    const known = recorded.get(asked);
    if (replaying && known !== undefined) {
      const { status, headers, body } = known;
      return { response: { statusCode: status, headers: { ...headers }, body: Readable.from([body]) } } as never;
    }
    const { response } = await real.handle(request, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response.body as Readable) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    read += body.length;
    if (request.headers["x-amz-target"]!.endsWith("Query"))
      recorded.set(asked, { status: response.statusCode, headers: { ...response.headers }, body });
    return { response: Object.assign(response, { body: Readable.from([body]) }) };
  };
  return { handle, destroy: () => real.destroy?.() } as unknown as Handler;
}
const plain = new DynamoDBClient(clientOf(served.endpoint));
const dynamodb = new DynamoDBClient({ ...clientOf(served.endpoint), requestHandler: plain.config.requestHandler });
const api = await startApi({ dynamodb });
const live: Identity = {
  customer_id: "cus_bench",
  environment: "live",
  key_id: "key_1",
  key_name: "bench",
  scopes,
  limit_per_second: 1_000,
};
const end = Math.floor(api.deps.now() / HOUR) * HOUR;
for (let hour = 0; hour < 720; hour += 1) {
  const at = end - hour * HOUR;
  const types = Array.from({ length: 20 }, (_, i) => `order.type${i}`);
  const facts = Array.from(
    { length: 5 },
    (_, i): UsageFact => ({
      kind: "accepted",
      tenant: live.customer_id,
      at,
      routed_at: at,
      key_id: `key_${i}`,
      events: types.map((type) => ({ type, bytes: 1_000 })),
    }),
  );
  const attempts = Array.from(
    { length: 60 },
    (_, i): UsageFact => ({
      kind: "attempted",
      tenant: live.customer_id,
      at,
      subscription_id: `sub_${i % 20}`,
      outcome: "delivered",
      latency_ms: 5 + ((i * 37) % 400),
      parts: [{ types: [types[i % 20]!] }],
    }),
  );
  await countUsage(dynamodb, [...facts, ...attempts]);
  await addHourUp(dynamodb, live.customer_id, at);
}
const range = `from=${new Date(end - 719 * HOUR).toISOString()}&to=${new Date(end + HOUR).toISOString()}&interval=hour`;
const headers = { [IDENTITY_HEADER]: encodeIdentity(live) };
const asked = dynamodb.config.requestHandler;
const middle = (times: readonly number[]): string => median(times).toFixed(0);
const milliseconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1_000;
for (const group of ["", "&group_by=event_type", "&group_by=subscription", "&group_by=key"]) {
  const call = async () => {
    const response = await api.app.request(`/usage?${range}${group}`, { headers });
    const body = await response.arrayBuffer();
    if (response.status !== 200) throw new Error(Buffer.from(body).toString());
  };
  /** Wall time, CPU of this thread, and CPU of all threads, of nine calls each, in ms. */
  const measured = async () => {
    const figures: [wall: number[], own: number[], all: number[]] = [[], [], []];
    for (let i = 0; i < 9; i += 1) {
      const began = [performance.now(), milliseconds(process.threadCpuUsage()), milliseconds(process.cpuUsage())];
      await call();
      const ended = [performance.now(), milliseconds(process.threadCpuUsage()), milliseconds(process.cpuUsage())];
      for (const [k, times] of figures.entries()) times.push(ended[k]! - began[k]!);
    }
    return figures;
  };
  const [wall, , all] = await measured();
  dynamodb.config.requestHandler = recording(asked);
  read = 0;
  await call();
  const stored = read;
  replaying = true;
  const [ownWall, ownThread] = await measured();
  replaying = false;
  recorded.clear();
  dynamodb.config.requestHandler = asked;
  console.log(
    `${(group || "not grouped").replace("&group_by=", "by ").padEnd(18)} ${(stored / 1_024).toFixed(0).padStart(5)} KB read  median ${middle(wall)} ms, least ${Math.min(...wall).toFixed(0)} ms, CPU ${middle(all)} ms; the handler alone ${middle(ownWall)} ms, CPU ${middle(ownThread)} ms`,
  );
}
await api.close();
dynamodb.destroy();
plain.destroy();
await served.close();
