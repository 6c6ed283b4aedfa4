import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { carried, MOST_ANSWER_BYTES } from "../domain/answer.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { PATH_HEADER } from "../domain/identity/identity.ts";

/**
 * Between Function URL events (payload format 2.0) and the fetch API.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 *
 * The path is not in the URL of the request: a Function URL may decode it, and a URL would drop segments of dots. What
 * the caller sent is in a header of the edge's, which `pathOf` reads.
 */
export function requestOf(event: LambdaFunctionURLEvent): Request {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString === "" ? "" : `?${event.rawQueryString}`;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, value);
  // Not through the edge, which says the path as it was sent.
  if (!headers.has(PATH_HEADER)) headers.set(PATH_HEADER, encodeURI(event.rawPath));
  const bodiless = method === "GET" || method === "HEAD" || event.body === undefined;
  return new Request(`https://${event.requestContext.domainName}/${query}`, {
    method,
    headers,
    ...(bodiless ? {} : { body: Buffer.from(event.body!, event.isBase64Encoded ? "base64" : "utf8") }),
  });
}

const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/**
 * The path as the caller sent it, still encoded but for what means the same either way (RFC 3986, 6.2.2.2): its routes
 * are found by text, its parameters are decoded once.
 */
export function pathOf(request: Request): string {
  const sent = request.headers.get(PATH_HEADER) ?? new URL(request.url).pathname;
  return sent.replaceAll(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return UNRESERVED.test(character) ? character : escaped;
  });
}

const TEXT = /^(?:text\/|application\/(?:[\w.+-]+\+)?json|image\/svg)/;

/** @throws TriggersError `unprocessable` for an answer that no function can give: the caller would meet an error of Lambda's own */
export async function answerOf(response: Response): Promise<LambdaFunctionURLResult> {
  const bytes = Buffer.from(await response.arrayBuffer());
  if (bytes.length > MOST_ANSWER_BYTES) {
    const most = MOST_ANSWER_BYTES.toLocaleString("en");
    throw new TriggersError("unprocessable", `The answer has more than ${most} bytes. Ask for less at once.`);
  }
  const text = TEXT.test(response.headers.get("content-type") ?? "text/") && !response.headers.has("content-encoding");
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), ...carried(bytes, text) };
}
