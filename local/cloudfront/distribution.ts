/** What a distribution does with a request, apart from HTTP: behaviour, functions, access control, origin. */
import { hash, randomUUID } from "node:crypto";
import type { LambdaFunction } from "../lambda/function.ts";
import { type HttpAnswer, type HttpRequest, SYNC_LIMIT } from "../lambda/functionUrl.ts";
import { ownAnswer } from "../product/ownAnswer.ts";
import { EdgeValidationError, edgeEvent, readEdgeResult } from "./edgeEvent.ts";
import type { AddedHeader, Forwarding } from "./policies.ts";
import type { GeneratedResponse, ViewerFunction, ViewerRequest } from "./viewerFunction.ts";

export interface Origin {
  readonly domain: string;
  /** Name of the bucket whose objects are served; undefined for a function's URL. */
  readonly bucket?: string | undefined;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** Whether it is a WebSocket API. */
  readonly sockets?: boolean;
  /** Whether an origin access control signs every request, and so overwrites Authorization. */
  readonly signed: boolean;
  readonly timeoutMs: number;
  /** The second of an origin group, which is asked where this one answers with such a status. @default none */
  readonly failover?: { readonly statuses: ReadonlySet<number>; readonly origin: Origin };
}

export interface Behaviour {
  /** Undefined for the default behaviour. */
  readonly matches: ((path: string) => boolean) | undefined;
  readonly methods: ReadonlySet<string>;
  readonly origin: Origin;
  readonly forwarding: Forwarding;
  readonly viewerFunction: ViewerFunction | undefined;
  readonly edge: { readonly lambda: LambdaFunction; readonly includeBody: boolean } | undefined;
  /** Whether answers go out compressed, where the viewer takes it. */
  readonly compress: boolean;
  readonly addHeaders: readonly AddedHeader[];
  readonly removeHeaders: readonly string[];
}

export interface Distribution {
  /** What stands before it: the answer to a request from this address that is blocked. @default nothing */
  readonly inspect?: ((address: string) => GeneratedResponse | undefined) | undefined;
  readonly id: string;
  readonly arn: string;
  /** Ordered behaviours, the default one last. */
  readonly behaviours: readonly Behaviour[];
  /** Origins by id: a viewer function may pick another than its behaviour's. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Pages that replace answers of a status, from the origin or from CloudFront itself. */
  readonly errorPages: ReadonlyMap<number, ErrorPage>;
}

export interface ErrorPage {
  readonly path: string;
  /** What it is answered with. */
  readonly status: number;
}

export type CallOrigin = (origin: Origin, request: HttpRequest, sourceArn: string) => Promise<HttpAnswer>;

/** A handshake of a WebSocket as the origin gets it, or what the viewer gets in its place. */
export type HandedOn =
  | { readonly request: ViewerRequest; readonly origin: Origin }
  | { readonly response: GeneratedResponse };

/**
 * What a distribution does with a handshake: the viewer function runs as for any request, and headers and query go on as the policy says.
 * Lambda@Edge would run as well; no behaviour of a program that runs here may ask for both.
 */
export async function handOn(
  behaviour: Behaviour,
  request: ViewerRequest,
  requestId: string,
  log: (line: string) => void,
): Promise<HandedOn> {
  if (behaviour.viewerFunction !== undefined) {
    try {
      const { response } = await behaviour.viewerFunction(request);
      if (response !== undefined) return { response };
    } catch (cause) {
      log(`viewer function: ${(cause as Partial<Error> | null)?.message ?? String(cause)}`);
      return {
        response: ownAnswer("unavailable", "The CloudFront function associated with the distribution failed.", SOON),
      };
    }
  }
  forward(request, behaviour.forwarding);
  request.headers.set("host", behaviour.origin.domain);
  request.headers.set("x-amz-cf-id", requestId);
  return { request, origin: behaviour.origin };
}

/** Headers that CloudFront takes out of every viewer's request ("HTTP request headers and CloudFront behavior"). */
const DROPPED =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|warning|x-real-ip|x-edge-.*|x-amz-cf-.*)$/;

const EMPTY_HASH = hash("sha256", "");

/** The edge function has no room for the request. Unlike CloudFront's own, it says when to come back, as Lambda's 429 does. */
export function throttled(): GeneratedResponse {
  return ownAnswer("unavailable", "There is no room for more requests at the moment; nothing was done.", {
    "retry-after": "1",
    "x-cache": "LambdaLimitExceeded from cloudfront",
  });
}

const SOON = { "retry-after": "1" };

/** By a UUID, since Node.js draws the bytes of many at once: drawing them for each request takes ten times as long. */
export const newRequestId = (): string => randomUUID().replaceAll("-", "");

export const behaviourOf = (distribution: Distribution, path: string): Behaviour =>
  distribution.behaviours.find(({ matches }) => matches === undefined || matches(path)) as Behaviour;

/** Keeps only the headers, cookies and parameters of the query that the policy lets through. */
function forward(request: ViewerRequest, { headers, cookies, query }: Forwarding): void {
  const kept = new Map<string, string>();
  for (const [name, value] of request.headers) {
    if (name === "cookie" || DROPPED.test(name)) continue;
    if (headers(name)) kept.set(name, value);
    else if (name === "user-agent") kept.set(name, "Amazon CloudFront");
  }
  const crumbs = (request.headers.get("cookie") ?? "")
    .split(/;\s*/)
    .filter((pair) => pair !== "" && cookies(pair.split("=")[0] as string));
  if (crumbs.length > 0) kept.set("cookie", crumbs.join("; "));
  const forwarded = request.headers.get("x-forwarded-for");
  kept.set("x-forwarded-for", forwarded === undefined ? request.ip : `${forwarded}, ${request.ip}`);
  kept.set("via", "1.1 cloudfront (local)");
  request.headers = kept;
  if (request.query !== "") {
    request.query = request.query
      .split("&")
      .filter((pair) => query(pair.split("=")[0] as string))
      .join("&");
  }
}

/** What one request is served with. */
export interface Serving {
  readonly distribution: Distribution;
  readonly requestId: string;
  readonly callOrigin: CallOrigin;
  /** Told of what a function did wrong: CloudFront answers 502 or 503 and the developer must see why. */
  log(line: string): void;
}

/** In place of a page that can't be had either, say because the function that answers it is the one that failed. */
const WITHOUT_PAGE: ReadonlyMap<number, () => GeneratedResponse> = new Map([
  [502, () => ownAnswer("bad_gateway", "A part of the platform did not answer as it should.", SOON)],
  [504, () => ownAnswer("gateway_timeout", "A part of the platform did not answer in time.", SOON)],
]);

/**
 * The answer that replaces this one, where the distribution declares one. The page is asked for by GET, past the viewer
 * function.
 */
export async function replaced(
  { distribution, requestId, ...ports }: Serving,
  answer: GeneratedResponse,
  ip: string,
): Promise<GeneratedResponse> {
  const page = distribution.errorPages.get(answer.status);
  if (page === undefined) return answer;
  const behaviour = { ...behaviourOf(distribution, page.path), viewerFunction: undefined };
  const request: ViewerRequest = { method: "GET", uri: page.path, query: "", headers: new Map(), ip };
  const found = await serve({ distribution, requestId, ...ports }, behaviour, request, Buffer.alloc(0));
  if (found.status !== 200) return WITHOUT_PAGE.get(answer.status)?.() ?? answer;
  return { ...found, status: page.status, headers: { ...found.headers, "x-cache": "Error from cloudfront" } };
}

/** Serves one request whose body has been read. */
export async function serve(
  { distribution, requestId, callOrigin, log }: Serving,
  behaviour: Behaviour,
  request: ViewerRequest,
  viewerBody: Buffer,
): Promise<GeneratedResponse> {
  let { origin } = behaviour;
  let body = viewerBody;
  if (behaviour.viewerFunction !== undefined) {
    try {
      const { response, originId } = await behaviour.viewerFunction(request);
      if (response !== undefined)
        return {
          ...response,
          headers: { ...response.headers, "x-cache": "FunctionGeneratedResponse from cloudfront" },
        };
      if (originId !== undefined) {
        const selected = distribution.origins.get(originId);
        if (selected === undefined) throw new Error(`the distribution has no origin "${originId}"`);
        origin = selected;
      }
    } catch (cause) {
      // An error of the function's own context is no instance of our Error.
      log(`viewer function: ${(cause as Partial<Error> | null)?.message ?? String(cause)}`);
      return ownAnswer("unavailable", "The CloudFront function associated with the distribution failed.", SOON);
    }
  }
  forward(request, behaviour.forwarding);
  request.headers.set("host", origin.domain);
  request.headers.set("x-amz-cf-id", requestId);

  if (behaviour.edge !== undefined) {
    const { lambda, includeBody } = behaviour.edge;
    const event = edgeEvent(request, body, {
      distributionId: distribution.id,
      requestId,
      originDomain: origin.domain,
      customHeaders: origin.customHeaders,
      includeBody,
    });
    const outcome = await lambda.invoke({ event });
    if (outcome.kind === "throttled") return throttled();
    if (outcome.kind === "error") {
      log(`edge function: ${outcome.error.errorType} ${outcome.error.errorMessage}`);
      return ownAnswer("unavailable", "The Lambda function associated with the distribution failed.", SOON);
    }
    try {
      const result = readEdgeResult(outcome.result.json, outcome.result.body, request, body);
      if ("response" in result) {
        return {
          ...result.response,
          headers: { ...result.response.headers, "x-cache": "LambdaGeneratedResponse from cloudfront" },
        };
      }
      body = result.body;
    } catch (cause) {
      if (!(cause instanceof EdgeValidationError)) throw cause;
      log(`edge function: ${cause.message}`);
      return ownAnswer("bad_gateway", `The Lambda function's result failed validation: ${cause.message}.`, SOON);
    }
  }

  if (body.length > SYNC_LIMIT) return ownAnswer("payload_too_large", "The request is larger than the origin takes.");
  const ask = (asked: Origin) => askOrigin(asked, request, body, (it) => callOrigin(asked, it, distribution.arn));
  const first = await ask(origin);
  return origin.failover?.statuses.has(first.status) === true ? ask(origin.failover.origin) : first;
}

/** Asks an origin for what the viewer's request has become, as its access control has it signed. */
async function askOrigin(
  origin: Origin,
  request: ViewerRequest,
  body: Buffer,
  call: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<GeneratedResponse> {
  const headers = new Map(request.headers).set("host", origin.domain);
  for (const [name, value] of Object.entries(origin.customHeaders)) headers.set(name.toLowerCase(), value);
  if (origin.signed) {
    headers.delete("authorization");
    // The signature covers the hash that the header claims; Lambda computes its own, and they must agree.
    const claimed = headers.get("x-amz-content-sha256");
    const actual = body.length === 0 ? EMPTY_HASH : hash("sha256", body);
    if (body.length > 0 ? claimed !== actual : claimed !== undefined && claimed !== actual) return signatureMismatch;
  }
  const answer = await call({
    method: request.method,
    path: request.uri,
    query: request.query,
    headers: Object.fromEntries(headers),
    body,
    sourceIp: "130.176.0.1",
  });
  return { ...answer, headers: { ...answer.headers, "x-cache": "Miss from cloudfront" } as Record<string, string> };
}

const signatureMismatch: GeneratedResponse = {
  status: 403,
  headers: {
    "content-type": "application/json",
    "x-amzn-errortype": "InvalidSignatureException",
    "x-cache": "Error from cloudfront",
  },
  body: '{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}',
};
