// CloudFront Function (runtime cloudfront-js-2.0), event type viewer-request, before the bucket of pages. Deployed as it stands.
//
// A page of the documentation lies in a folder of its own, `docs/errors/index.html`. What has a point in its name is a file. The list
// for language models is one of them, and is asked for at the root as well.

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
function handler(event) {
  const request = event.request;
  const uri = request.uri.endsWith("/") ? request.uri.slice(0, -1) : request.uri;
  if (uri === "/llms.txt") request.uri = "/docs/llms.txt";
  else request.uri = uri.slice(uri.lastIndexOf("/")).includes(".") ? uri : `${uri}/index.html`;
  return request;
}
