/** AWS and a webhook as a bench needs them: they answer at once, in a process of their own. Prints its port. */
import { createServer } from "node:http";

const subscriptionId = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
const tenant = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
const target = (port: number) => ({
  ...{ subscription_id: subscriptionId, version: 1, event_selector: process.argv[2] ?? "order.created", tenant },
  ...{
    environment: "live",
    webhook_url: `http://127.0.0.1:${port}/hook`,
    format: "event",
    max_batch: 100,
    headers: {},
  },
  ...{ status: "active", secrets: [{ secret: `whsec_${Buffer.alloc(24, 7).toString("base64")}` }] },
});

const server = createServer((request, answer) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const action = String(request.headers["x-amz-target"] ?? "").split(".")[1];
    const reply = (value: object) => {
      answer.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(value));
    };
    if (request.url === "/hook") answer.end("ok");
    else if (action === "SendMessageBatch") {
      const { Entries } = JSON.parse(Buffer.concat(chunks).toString());
      reply({
        Successful: Entries.map(({ Id }: { Id: string }) => ({ Id, MessageId: Id, MD5OfMessageBody: "" })),
        Failed: [],
      });
    } else if (action === "PutRecordBatch") reply({ FailedPutCount: 0, RequestResponses: [] });
    else if (action === "Query") reply({ Items: [], Count: 0, ScannedCount: 0 });
    else if (request.url?.includes("/invocations")) {
      const asked = JSON.parse(Buffer.concat(chunks).toString());
      const port = (server.address() as { port: number }).port;
      if (asked.op === "snapshot")
        reply({ version: 1, subscriptions: [target(port)], retention_days: 90, next_cursor: null });
      else if (asked.op === "versions") reply({ versions: { [tenant]: 1 } });
      else reply({ targets: [target(port)] });
    } else reply({});
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
