import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";

/** A path may come decoded; what would then end it in a URL is encoded again. */
const pathOf = (rawPath: string): string => rawPath.replaceAll("?", "%3F").replaceAll("#", "%23");

/**
 * Between Function URL events (payload format 2.0) and the fetch API.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export function requestOf(event: LambdaFunctionURLEvent): Request {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString === "" ? "" : `?${event.rawQueryString}`;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, value);
  const bodiless = method === "GET" || method === "HEAD" || event.body === undefined;
  return new Request(`https://${event.requestContext.domainName}${pathOf(event.rawPath)}${query}`, {
    method,
    headers,
    ...(bodiless ? {} : { body: Buffer.from(event.body!, event.isBase64Encoded ? "base64" : "utf8") }),
  });
}

const TEXT = /^(?:text\/|application\/(?:[\w.+-]+\+)?json|image\/svg)/;

export async function answerOf(response: Response): Promise<LambdaFunctionURLResult> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = TEXT.test(response.headers.get("content-type") ?? "text/") && !response.headers.has("content-encoding");
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: bytes.toString(text ? "utf8" : "base64"),
    isBase64Encoded: !text,
  };
}
