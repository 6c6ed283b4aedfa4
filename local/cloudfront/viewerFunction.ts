/** A CloudFront Function at viewer-request: the declared code in a context of its own, with the event of version 1.0. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createContext, Script } from "node:vm";
import { byName } from "../byName.ts";
import type { ReadPair } from "./keyValueStore.ts";

/** A viewer's request as it passes through the distribution. Header names are in lower case. */
export interface ViewerRequest {
  method: string;
  /** Path as sent. */
  uri: string;
  /** Query string without the question mark. */
  query: string;
  headers: Map<string, string>;
  readonly ip: string;
}

export interface GeneratedResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer | string;
}

interface Value {
  value: string;
  multiValue?: readonly { value: string }[];
}
type Values = Record<string, Value>;

interface Returned {
  readonly statusCode?: number;
  readonly method?: string;
  readonly uri?: string;
  readonly querystring?: Values | string;
  readonly headers?: Values;
  readonly cookies?: Values;
  readonly body?: string | { readonly data: string; readonly encoding?: string };
}

/** CloudFront Functions may have 10 KB of code. */
const CODE_LIMIT = 10_240;

/** Headers that a function can't change or add at this event ("Restrictions on edge functions"). */
const READ_ONLY = new Set(["content-length", "host", "transfer-encoding", "via"]);
const DISALLOWED =
  /^(connection|expect|keep-alive|proxy-authenticate|proxy-authorization|proxy-connection|trailer|upgrade|x-accel-.*|x-amz-cf-.*|x-amzn-.*|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip)$/;

/** Changes the request in place. @returns the id of the origin that it picked, or the answer that it gave */
export type ViewerFunction = (
  request: ViewerRequest,
) => Promise<{ readonly response?: GeneratedResponse; readonly originId?: string }>;

/** CloudFront's own module is all that a function may import here ("JavaScript runtime 2.0 features"). */
const IMPORT = /^import\s+([A-Za-z_$][\w$]*)\s+from\s+["']cloudfront["'];?$/m;

/** What the function of a request has picked so far. */
const picked = new AsyncLocalStorage<{ originId?: string }>();

/** The module `cloudfront`, as far as it is served locally. Another method fails as a missing one does. */
function cloudfrontModule(stores: readonly ReadPair[]) {
  // Made once: a key that is not there is what most requests find, and an error with its stack costs more than the look.
  const notFound = Object.freeze(new Error("KeyNotFound"));
  return {
    kvs() {
      const [read] = stores;
      if (read === undefined) throw new Error("no key value store is associated with the function");
      return {
        async get(key: string, options: { format?: string } = {}) {
          const value = read(key);
          if (value === undefined) throw notFound;
          if (options.format === "json") return JSON.parse(value) as unknown;
          if ((options.format ?? "string") !== "string")
            throw new Error(`the format ${options.format} is not served locally`);
          return value;
        },
        exists: async (key: string) => read(key) !== undefined,
      };
    },
    selectRequestOriginById(originId: string) {
      const request = picked.getStore();
      if (request === undefined) throw new Error("an origin is selected while a request is handled, not before");
      request.originId = originId;
    },
  };
}

/**
 * Time after which a script that runs on is given up. It is generous because it is measured by the clock: while a start worked
 * off the last run's messages, one second was too short at times, and the platform failed to start.
 */
const LOADING_MS = 30_000;

/**
 * Compiles the code.
 * @param stores key value stores associated with the function
 * @throws Error when it is too long, imports an unknown module, or lacks `handler`
 */
export function compileViewerFunction(
  code: string,
  distributionId: string,
  stores: readonly ReadPair[] = [],
): ViewerFunction {
  if (Buffer.byteLength(code) > CODE_LIMIT) {
    throw new Error(
      `a CloudFront Function may have ${CODE_LIMIT} bytes of code, this one has ${Buffer.byteLength(code)}`,
    );
  }
  const imported = IMPORT.exec(code)?.[1];
  const script = code.replace(IMPORT, "");
  const globals = {
    console: { log: () => {} },
    ...(imported === undefined ? {} : { [imported]: cloudfrontModule(stores) }),
  };
  const sandbox = createContext(globals, { codeGeneration: { strings: false, wasm: false } });
  new Script(script, { filename: "viewer-function.js" }).runInContext(sandbox, { timeout: LOADING_MS });
  const handler = new Script("typeof handler === 'function' ? handler : undefined").runInContext(sandbox);
  if (handler === undefined) throw new Error("the code of the CloudFront Function defines no function named handler");

  return async (request) => {
    const headers: Values = byName();
    for (const [name, value] of request.headers) if (name !== "cookie") headers[name] = { value };
    const before = new Map(request.headers);
    const choice: { originId?: string } = {};
    const event = {
      version: "1.0",
      context: {
        distributionDomainName: `${distributionId}.cloudfront.net`,
        distributionId,
        eventType: "viewer-request",
      },
      viewer: { ip: request.ip },
      request: {
        method: request.method,
        uri: request.uri,
        querystring: parsePairs(request.query, "&"),
        headers,
        cookies: parsePairs(request.headers.get("cookie") ?? "", /;\s*/),
      },
    };
    const result = (await picked.run(choice, () => handler(event))) as Returned | undefined;
    if (typeof result !== "object" || result === null)
      throw new Error("the viewer function returned neither a request nor a response");
    if (result.statusCode !== undefined) return { response: responseOf(result) };
    apply(request, result, before);
    return choice;
  };
}

function parsePairs(text: string, separator: string | RegExp): Values {
  const values: Values = byName();
  if (text === "") return values;
  for (const pair of text.split(separator)) {
    const at = pair.indexOf("=");
    const name = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? "" : pair.slice(at + 1);
    const known = values[name];
    if (known === undefined) values[name] = { value };
    else known.multiValue = [...(known.multiValue ?? [{ value: known.value }]), { value }];
  }
  return values;
}

const joinPairs = (values: Values, separator: string): string =>
  Object.entries(values)
    .flatMap(([name, { value, multiValue }]) => (multiValue ?? [{ value }]).map((one) => `${name}=${one.value}`))
    .join(separator);

const textOf = ({ value, multiValue }: Value): string =>
  multiValue === undefined ? value : multiValue.map((one) => one.value).join(", ");

function apply(request: ViewerRequest, result: Returned, before: ReadonlyMap<string, string>): void {
  if (result.method !== undefined && result.method !== request.method)
    throw new Error("the viewer function changed the method");
  const headers = new Map<string, string>();
  for (const [name, header] of Object.entries(result.headers ?? {})) {
    if (name !== name.toLowerCase())
      throw new Error(`the viewer function returned the header "${name}", not in lower case`);
    const value = textOf(header);
    const changed = before.get(name) !== value;
    if (changed && (READ_ONLY.has(name) || DISALLOWED.test(name))) {
      throw new Error(`the viewer function must not set the header "${name}"`);
    }
    headers.set(name, value);
  }
  const cookies = joinPairs(result.cookies ?? {}, "; ");
  if (cookies !== "") headers.set("cookie", cookies);
  request.headers = headers;
  request.uri = result.uri ?? request.uri;
  if (typeof result.querystring === "string") request.query = result.querystring;
  else if (request.query !== "" && !samePairs(request.query, result.querystring)) {
    request.query = joinPairs(result.querystring ?? {}, "&");
  }
}

/** An untouched query keeps its exact text, whose form (`a` or `a=`, order of repeats) the pairs don't hold. */
const samePairs = (query: string, values: Values | undefined): boolean =>
  joinPairs(parsePairs(query, "&"), "&") === joinPairs(values ?? {}, "&");

function responseOf(result: Returned): GeneratedResponse {
  const headers: Record<string, string> = byName();
  for (const [name, header] of Object.entries(result.headers ?? {})) headers[name] = textOf(header);
  const { body = "" } = result;
  const bytes =
    typeof body === "string" ? body : Buffer.from(body.data, body.encoding === "base64" ? "base64" : "utf8");
  return { status: result.statusCode as number, headers, body: bytes };
}
