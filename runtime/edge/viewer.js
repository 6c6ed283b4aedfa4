// CloudFront Function (runtime cloudfront-js-2.0), event type viewer-request. Deployed as it stands, hence no import, and no syntax
// newer than that runtime knows.
//
// Invariant: past this point a header that begins with `x-triggers-` was written by the platform. Origin access control
// will overwrite `authorization`, so the caller's travels on under a name of ours; sent twice it is ambiguous, and none.

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
function handler(event) {
  const request = event.request;
  const headers = request.headers;
  for (const name in headers) {
    if (name.toLowerCase().startsWith("x-triggers-")) delete headers[name];
  }
  const authorization = headers.authorization;
  if (authorization) {
    const values = authorization.multiValue || [];
    if (values.length < 2) headers["x-triggers-authorization"] = { value: authorization.value };
  }
  return request;
}
