/** Calls of Function URLs, as a distribution makes them. */
import { randomUUID } from "node:crypto";
import type { LocalContext } from "../service.ts";
import { type HttpAnswer, type HttpRequest, SYNC_LIMIT, urlAnswer, urlEvent } from "./functionUrl.ts";
import type { Registry } from "./registry.ts";

const forbidden: HttpAnswer = {
  status: 403,
  headers: { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" },
  body: '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}',
};

/** What CloudFront says for an origin that does not answer. */
const silence: HttpAnswer = {
  status: 504,
  headers: { "content-type": "text/html" },
  body: "The origin did not answer.",
};

/**
 * A request that a distribution has signed for the Function URL at `domain`.
 * @param sourceArn of the distribution, which the function's permissions must name
 */
export async function callUrl(
  registry: Registry,
  { accountId, metrics }: LocalContext,
  domain: string,
  request: HttpRequest,
  sourceArn: string,
): Promise<HttpAnswer> {
  const entry = registry.atUrl(domain);
  if (entry !== undefined && registry.isAway(entry)) return silence;
  if (entry === undefined || !registry.mayCallUrl(entry, sourceArn)) return forbidden;
  const event = urlEvent(request, domain, accountId, randomUUID(), Date.now());
  if (request.body.length > SYNC_LIMIT) {
    return {
      status: 413,
      headers: { "content-type": "application/json" },
      body: '{"Message":"Request Entity Too Large"}',
    };
  }
  const began = performance.now();
  const answer = urlAnswer(await entry.lambda.invoke({ event }));
  const FunctionName = entry.settings.name;
  const publish = (metric: string, value: number) => metrics?.record("AWS/Lambda", metric, { FunctionName }, value);
  publish("UrlRequestCount", 1);
  publish("Url4xxCount", answer.status >= 400 && answer.status < 500 ? 1 : 0);
  publish("Url5xxCount", answer.status >= 500 ? 1 : 0);
  publish("UrlRequestLatency", performance.now() - began);
  return answer;
}
