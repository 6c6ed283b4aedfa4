// CloudFront Function (runtime cloudfront-js-2.0), event type viewer-request. It is deployed as it stands, so it imports only
// CloudFront's own module, and uses only the syntax of that runtime.
//
// Invariant: past this point a header that begins with `x-triggers-` was written by the platform. Origin access control
// will overwrite `authorization`, so the caller's travels on under a name of ours; a caller that sends two has none. A slash at
// the end of a path is removed, since both forms mean the same. And a call that needs a key brings a text of a key's form and
// checksum: all others are refused here, before they cost a run of a Lambda function. The edge function then decides whether the
// key exists.
import cf from "cloudfront";

const store = cf.kvs();

// The region that a standby region has named in the store, while its word holds; see runtime/standby/watch.ts.
async function takingOver() {
  try {
    const takeover = await store.get("takeover", { format: "json" });
    return takeover.until > Date.now() ? takeover.region : undefined;
  } catch (_) {
    return undefined; // nothing there: the home region takes events in
  }
}

// As `isConsole` and `CONSOLE_HEADERS` there: the console's function knows people by their session, and hears what its pages say.
const CONSOLE = /^\/console\/(?:api|sessions?)(?:\/|$)/;
const SAID = ["x-triggers-console", "x-triggers-environment", "x-triggers-key-id", "x-triggers-without-payloads"];

function mark(headers, toConsole) {
  for (const name in headers) {
    const lower = name.toLowerCase();
    if (lower.startsWith("x-triggers-") && !(toConsole && SAID.includes(lower))) delete headers[name];
  }
  const authorization = headers.authorization;
  if (authorization) {
    const values = authorization.multiValue || [];
    if (values.length < 2) headers["x-triggers-authorization"] = { value: authorization.value };
  }
  headers["x-triggers-received"] = { value: String(Date.now()) };
  // The origin is asked under its own name: links lead back to this one, and a page compares its origin with it.
  if (headers.host) headers["x-triggers-host"] = { value: headers.host.value };
}

function withoutSlash(uri) {
  return uri.length > 1 && uri.endsWith("/") ? uri.slice(0, -1) : uri;
}

// As `isPublic` of runtime/domain/identity/identity.ts, which a test compares it with.
function isPublic(method, uri) {
  const open = ["/", "/health", "/status", "/openapi.json", "/docs"];
  return method === "OPTIONS" || open.includes(uri) || uri.startsWith("/docs/") || uri.startsWith("/links/");
}

// Who opens a socket shows a ticket or a cookie, which the WebSocket API's own authoriser looks at: `LIVE_PATH` of runtime/domain/live.ts.
const SOCKETS = "/live";

const BEARER = /^bearer +(trg_(?:live|sandbox)_[0-7][0-9A-HJKMNP-TV-Z]{25}_[0-9A-Za-z]{32})([0-9A-Za-z]{6})$/i;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// CRC-32 in six digits: the checksum of runtime/domain/identity/apiKey.ts.
function checksumOf(text) {
  let crc = -1;
  for (let i = 0; i < text.length; i += 1) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  let value = ~crc >>> 0;
  let digits = "";
  for (let i = 0; i < 6; i += 1) {
    digits = BASE62[value % 62] + digits;
    value = Math.floor(value / 62);
  }
  return digits;
}

function looksLikeKey(header) {
  const parts = header ? BEARER.exec(header.value) : null;
  return parts !== null && checksumOf(parts[1]) === parts[2];
}

// `req_` and a ULID, as the edge function names requests.
function newRequestId() {
  let id = "";
  let time = Date.now();
  for (let i = 0; i < 10; i += 1) {
    id = BASE32[time % 32] + id;
    time = Math.floor(time / 32);
  }
  for (let i = 0; i < 16; i += 1) id += BASE32[Math.floor(Math.random() * 32)];
  return `req_${id}`;
}

// An error of the API, as the edge function would answer it.
function refusal(status, description, code, message) {
  const id = newRequestId();
  const error = { code: code, message: message, request_id: id, docs: `/docs/errors#${code}` };
  return {
    statusCode: status,
    statusDescription: description,
    headers: {
      "content-type": { value: "application/json" },
      "cache-control": { value: "no-store" },
      "x-request-id": { value: id },
    },
    body: { encoding: "text", data: JSON.stringify({ error: error }) },
  };
}

function unauthorized() {
  const answer = refusal(401, "Unauthorized", "unauthorized", "The API key is missing or not valid.");
  answer.headers["www-authenticate"] = { value: "Bearer" };
  return answer;
}

// A WebSocket API answers what is no handshake by a text of API Gateway's, which has no setting for it. `Upgrade` is a header
// that functions here don't see, and a handshake has this one, too.
function isHandshake(headers) {
  return headers["sec-websocket-key"] !== undefined;
}

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
async function handler(event) {
  const request = event.request;
  request.uri = withoutSlash(request.uri);
  const toConsole = CONSOLE.test(request.uri);
  mark(request.headers, toConsole);
  if (request.uri === SOCKETS) {
    if (isHandshake(request.headers)) return request;
    return refusal(400, "Bad Request", "invalid_request", "This path opens a WebSocket: ask it by a WebSocket client.");
  }
  if (
    !toConsole &&
    !isPublic(request.method, request.uri) &&
    !looksLikeKey(request.headers["x-triggers-authorization"])
  ) {
    return unauthorized();
  }
  if (request.uri === "/events") {
    const region = await takingOver();
    if (region) cf.selectRequestOriginById(`ingest-${region}`);
  }
  return request;
}
