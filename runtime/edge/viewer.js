// CloudFront Function (runtime cloudfront-js-2.0), event type viewer-request. Deployed as it stands, hence no import but
// CloudFront's own, and no syntax newer than that runtime knows.
//
// Invariant: past this point a header that begins with `x-triggers-` was written by the platform. Origin access control
// will overwrite `authorization`, so the caller's travels on under a name of ours; sent twice it is ambiguous, and none.
// Nor does a path end in a slash: with one it means the same as without.
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

function mark(headers) {
  for (const name in headers) {
    if (name.toLowerCase().startsWith("x-triggers-")) delete headers[name];
  }
  const authorization = headers.authorization;
  if (authorization) {
    const values = authorization.multiValue || [];
    if (values.length < 2) headers["x-triggers-authorization"] = { value: authorization.value };
  }
  headers["x-triggers-received"] = { value: String(Date.now()) };
}

function withoutSlash(uri) {
  return uri.length > 1 && uri.endsWith("/") ? uri.slice(0, -1) : uri;
}

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
async function handler(event) {
  const request = event.request;
  mark(request.headers);
  request.uri = withoutSlash(request.uri);
  if (request.uri === "/events") {
    const region = await takingOver();
    if (region) cf.selectRequestOriginById(`ingest-${region}`);
  }
  return request;
}
