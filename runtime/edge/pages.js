// CloudFront Function (runtime cloudfront-js-2.0), event type viewer-request, before the bucket of pages. Deployed as it stands.
//
// The console is one page that reads its path itself: every path but that of a file is that page's.

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
function handler(event) {
  const request = event.request;
  if (!request.uri.startsWith("/console/assets/")) request.uri = "/console/index.html";
  return request;
}
