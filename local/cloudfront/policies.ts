/** Which of the viewer's headers, cookies and query strings reach an origin, and what is added to answers. */
import type { Inputs } from "../service.ts";

type Keep = (name: string) => boolean;

/** What passes from the viewer to the origin. Names are in lower case. */
export interface Forwarding {
  readonly headers: Keep;
  readonly cookies: Keep;
  readonly query: Keep;
}

const none: Keep = () => false;
const all: Keep = () => true;

/** Ids of CloudFront's managed policies that are known here, the same in every account ("Use managed cache policies" and its sisters). */
export const managedIds = {
  "Managed-CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
  "Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
  "Managed-AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
  "Managed-AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
  "Managed-CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
  "Managed-SecurityHeadersPolicy": "67f7725c-6f97-4210-82d7-5512b31e9d03",
} as const;

/** What the managed ones forward. Nothing of the viewer's is part of the cache policies' keys. */
const managed: Readonly<Record<string, Forwarding>> = {
  [managedIds["Managed-CachingDisabled"]]: { headers: none, cookies: none, query: none },
  [managedIds["Managed-CachingOptimized"]]: { headers: none, cookies: none, query: none },
  [managedIds["Managed-AllViewer"]]: { headers: all, cookies: all, query: all },
  [managedIds["Managed-AllViewerExceptHostHeader"]]: { headers: (name) => name !== "host", cookies: all, query: all },
  [managedIds["Managed-CORS-S3Origin"]]: {
    headers: (name) => ["origin", "access-control-request-headers", "access-control-request-method"].includes(name),
    cookies: none,
    query: none,
  },
};

function keep(behavior: unknown, items: unknown, lower: boolean): Keep {
  const names = new Set(((items ?? []) as string[]).map((name) => (lower ? name.toLowerCase() : name)));
  switch (behavior) {
    case undefined:
    case "none":
      return none;
    case "all":
    case "allViewer":
      return all;
    case "whitelist":
      return (name) => names.has(name);
    case "allExcept":
      return (name) => !names.has(name);
    default:
      throw new Error(`unknown forwarding behaviour "${String(behavior)}"`);
  }
}

const itemsOf = (config: Inputs | undefined, member: string): unknown =>
  (config?.[member] as Inputs | undefined)?.items;

/** The arguments of an OriginRequestPolicy, or of a CachePolicy's `parametersInCacheKeyAndForwardedToOrigin`. */
export function readForwarding(inputs: Inputs): Forwarding {
  const headers = inputs.headersConfig as Inputs | undefined;
  const cookies = inputs.cookiesConfig as Inputs | undefined;
  const query = inputs.queryStringsConfig as Inputs | undefined;
  return {
    headers: keep(headers?.headerBehavior, itemsOf(headers, "headers"), true),
    cookies: keep(cookies?.cookieBehavior, itemsOf(cookies, "cookies"), false),
    query: keep(query?.queryStringBehavior, itemsOf(query, "queryStrings"), false),
  };
}

/** Everything that one of several policies lets through. @throws Error naming an id of an unknown policy */
export function forwardingOf(ids: readonly (string | undefined)[], own: ReadonlyMap<string, Forwarding>): Forwarding {
  const policies = ids.flatMap((id) => {
    if (id === undefined) return [];
    const found = own.get(id) ?? managed[id];
    if (found === undefined)
      throw new Error(`the CloudFront policy ${id} is neither declared nor a managed one known here`);
    return [found];
  });
  return {
    headers: (name) => policies.some((policy) => policy.headers(name)),
    cookies: (name) => policies.some((policy) => policy.cookies(name)),
    query: (name) => policies.some((policy) => policy.query(name)),
  };
}

/** A header that a response headers policy sets. The origin's header of that name wins unless `override` is set. */
export interface AddedHeader {
  readonly name: string;
  readonly value: string;
  readonly override: boolean;
}

/** What Managed-SecurityHeadersPolicy adds. */
export const securityHeaders: readonly AddedHeader[] = [
  { name: "strict-transport-security", value: "max-age=31536000", override: false },
  { name: "x-content-type-options", value: "nosniff", override: true },
  { name: "x-frame-options", value: "SAMEORIGIN", override: false },
  { name: "x-xss-protection", value: "1; mode=block", override: false },
  { name: "referrer-policy", value: "strict-origin-when-cross-origin", override: false },
];

/** The arguments of a ResponseHeadersPolicy. @throws Error for CORS, which is not supported */
export function readResponseHeaders(inputs: Inputs): { add: AddedHeader[]; remove: string[] } {
  if (inputs.corsConfig !== undefined) throw new Error("corsConfig is not supported locally");
  const add: AddedHeader[] = [];
  const security = (inputs.securityHeadersConfig ?? {}) as Record<string, Inputs | undefined>;
  const put = (name: string, config: Inputs | undefined, value: (config: Inputs) => string) => {
    if (config !== undefined) add.push({ name, value: value(config), override: config.override === true });
  };
  put("strict-transport-security", security.strictTransportSecurity, (config) => {
    const parts = [`max-age=${String(config.accessControlMaxAgeSec)}`];
    if (config.includeSubdomains === true) parts.push("includeSubDomains");
    if (config.preload === true) parts.push("preload");
    return parts.join("; ");
  });
  put("x-content-type-options", security.contentTypeOptions, () => "nosniff");
  put("x-frame-options", security.frameOptions, (config) => String(config.frameOption));
  put("referrer-policy", security.referrerPolicy, (config) => String(config.referrerPolicy));
  put("content-security-policy", security.contentSecurityPolicy, (config) => String(config.contentSecurityPolicy));
  put("x-xss-protection", security.xssProtection, (config) =>
    config.protection === true ? `1${config.modeBlock === true ? "; mode=block" : ""}` : "0",
  );
  for (const item of (itemsOf({ custom: inputs.customHeadersConfig }, "custom") ?? []) as Inputs[]) {
    add.push({ name: String(item.header).toLowerCase(), value: String(item.value), override: item.override === true });
  }
  const remove = (itemsOf({ remove: inputs.removeHeadersConfig }, "remove") ?? []) as Inputs[];
  return { add, remove: remove.map((item) => String(item.header).toLowerCase()) };
}
