/** Code of the probe's functions, as archives hold it: plain modules without dependencies. */

/** Answers by what the path or the payload asks for. */
export const echo = `
import { appendFileSync } from "node:fs";
let calls = 0;
const big = [];
export const handler = async (event, context) => {
  calls += 1;
  const what = event.rawPath ?? event.do;
  switch (what) {
    case "/throw": case "throw": throw new RangeError("asked to throw");
    case "/hang": case "hang": return new Promise(() => {});
    case "spin": for (;;) {}
    case "fill": for (;;) big.push(new Array(100_000).fill({ a: 1 }));
    case "exit": process.exit(3);
    case "/env": case "env": return process.env;
    case "context": return { ...context, left: context.getRemainingTimeInMillis() };
    case "calls": await new Promise((done) => setTimeout(done, event.ms ?? 0)); return calls;
    case "/big": return { statusCode: 200, body: "x".repeat(7_000_000) };
    case "big": return "x".repeat(7_000_000);
    case "/plain": return "just text";
    case "/binary": return { statusCode: 201, headers: { "content-type": "image/png", "WWW-Authenticate": "Basic" }, cookies: ["a=1", "b=2"], body: "AAEC", isBase64Encoded: true };
    case "/none": return { statusCode: 204 };
    case "carry": return globalThis[Symbol.for("triggers.carrier")]({ ...event.call, ...(event.hex ? { body: Buffer.from(event.hex, "hex") } : {}) });
    case "append": appendFileSync(event.file, event.text); return "appended";
    default: return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(event) };
  }
};
`;

/** Appends each message to the file that it names, with the time when the module was loaded, and fails those that say so. */
export const worker = `
import { appendFileSync } from "node:fs";
const born = Date.now();
const handler = async ({ Records }) => {
  const batchItemFailures = [];
  for (const { messageId, body, attributes } of Records) {
    const { file, fail, crash } = JSON.parse(body);
    if (crash) throw new Error("crash");
    appendFileSync(file, JSON.stringify({ messageId, received: attributes.ApproximateReceiveCount, batch: Records.length, born }) + "\\n");
    if (fail) batchItemFailures.push({ itemIdentifier: messageId });
  }
  return { batchItemFailures };
};
export { handler };
`;

/** At origin-request: refuses, breaks rules or passes on, by the header x-do; adds the body's hash. */
export const edge = `
import { createHash } from "node:crypto";
export const handler = async (event) => {
  const { request } = event.Records[0].cf;
  const wanted = request.headers["x-do"]?.[0].value;
  if (wanted === "refuse") return { status: "401", statusDescription: "Unauthorized", headers: { "content-type": [{ key: "Content-Type", value: "application/json" }] }, body: '{"error":"who"}' };
  if (wanted === "show") return { status: 200, body: JSON.stringify(event) };
  if (wanted === "truncated") return { status: 200, body: JSON.stringify({ inputTruncated: request.body.inputTruncated, bytes: Buffer.from(request.body.data, "base64").length }) };
  if (wanted === "throw") throw new Error("edge asked to throw");
  if (wanted === "forbidden-header") request.headers["x-amz-cf-id"] = [{ key: "X-Amz-Cf-Id", value: "mine" }];
  if (wanted === "read-only-header") request.headers["via"] = [{ key: "Via", value: "mine" }];
  if (wanted === "method") request.method = "DELETE";
  if (wanted === "huge") return { status: 200, body: "x".repeat(1_100_000) };
  if (wanted === "replace") request.body = { action: "replace", encoding: "text", data: "replaced" };
  if (wanted !== "no-hash" && request.body?.data) {
    const bytes = request.body.action === "replace" ? Buffer.from(request.body.data) : Buffer.from(request.body.data, "base64");
    request.headers["x-amz-content-sha256"] = [{ key: "x-amz-content-sha256", value: createHash("sha256").update(bytes).digest("hex") }];
  }
  return request;
};
`;

/** At viewer-request: keeps Authorization under another name, answers some paths itself. */
export const viewer = `
function handler(event) {
  var request = event.request;
  if (request.uri === "/viewer/answer") return { statusCode: 418, statusDescription: "teapot", headers: { "x-a": { value: "b" } }, body: "short" };
  if (request.uri === "/viewer/throw") throw new Error("viewer asked to throw");
  if (request.uri === "/viewer/show") return { statusCode: 200, body: JSON.stringify(event) };
  if (request.uri === "/viewer/host") request.headers.host = { value: "elsewhere" };
  if (request.headers.authorization) request.headers["x-kept"] = request.headers.authorization;
  return request;
}
`;
