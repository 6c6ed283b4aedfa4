// Receives webhooks, and takes only those whose signature is right (Standard Webhooks).
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SIGNING_SECRET?.replace(/^whsec_/, "") ?? "", "base64");
// Without a secret everybody could sign.
if (key.length === 0) throw new Error("SIGNING_SECRET is not set");
const TOLERANCE = 300; // seconds that the clocks may differ, and that a recorded post stays valid

/** Whether one of the signatures is that of exactly these bytes. */
function verified(headers, body) {
  const sentAt = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1_000 - sentAt) <= TOLERANCE)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const expected = Buffer.from(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  // After a rotation there is one signature for each secret.
  const given = String(headers["webhook-signature"])
    .split(" ")
    .map((one) => Buffer.from(one));
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

const server = createServer(async (request, response) => {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return; // the sender broke off
  }
  const body = Buffer.concat(chunks);
  if (!verified(request.headers, body)) return response.writeHead(401).end();
  // Answer first and work later: an answer that takes more than ten seconds is a failed attempt.
  response.writeHead(204).end();
  // The same event can come twice: event_id tells.
  for (const event of JSON.parse(body)) console.log("verified", event.event_type, event.event_id);
});
server.listen(Number(process.env.RECEIVER_PORT ?? 4000), "127.0.0.1", () => console.log("waiting for webhooks"));
