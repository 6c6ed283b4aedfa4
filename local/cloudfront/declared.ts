import type { ApiGateway } from "../apigateway.ts";
import { list, optional } from "../declared.ts";
import { wildcard } from "../iamPolicy.ts";
import type { Lambda } from "../lambda.ts";
import type { S3Service } from "../s3.ts";
import type { Inputs } from "../service.ts";
import { bucketIn } from "./bucketOrigin.ts";
import type { Behaviour, Distribution, ErrorPage, Origin } from "./distribution.ts";
import type { ReadPair } from "./keyValueStore.ts";
import { type AddedHeader, type Forwarding, forwardingOf } from "./policies.ts";
import { compileViewerFunction } from "./viewerFunction.ts";

/** A distribution out of what the program declares. What is not supported here is refused, with its name. */

/** What a distribution may name: functions by ARN, all else by id. */
export interface Parts {
  readonly functions: ReadonlyMap<string, { readonly code: string; readonly stores: readonly ReadPair[] }>;
  /** Kind of origin that an origin access control signs for. */
  readonly controls: ReadonlyMap<string, string>;
  readonly forwardings: ReadonlyMap<string, Forwarding>;
  readonly responses: ReadonlyMap<string, { readonly add: readonly AddedHeader[]; readonly remove: readonly string[] }>;
  readonly lambda: Lambda;
  readonly s3: S3Service | undefined;
  readonly sockets: Pick<ApiGateway, "hasHost"> | undefined;
}

const BEHAVIOUR = new Set(
  "pathPattern targetOriginId viewerProtocolPolicy allowedMethods cachedMethods cachePolicyId originRequestPolicyId responseHeadersPolicyId functionAssociations lambdaFunctionAssociations compress minTtl defaultTtl maxTtl grpcConfig".split(
    " ",
  ),
);
const ORIGIN = new Set(
  "originId domainName originAccessControlId customOriginConfig customHeaders originShield connectionAttempts connectionTimeout responseCompletionTimeout".split(
    " ",
  ),
);

function onlyMembers(what: string, inputs: Inputs, names: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(inputs)) {
    const given =
      value !== undefined &&
      value !== null &&
      value !== false &&
      value !== "" &&
      !(Array.isArray(value) && value.length === 0);
    if (given && !names.has(name)) throw new Error(`the local platform does not support "${name}" in ${what}`);
  }
}

/** Statuses whose answer a page may replace ("Creating a custom error page for specific HTTP status codes"). */
const REPLACEABLE = new Set([400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]);

function errorPageOf({ errorCode, responseCode, responsePagePath, errorCachingMinTtl }: Inputs): [number, ErrorPage] {
  const status = Number(errorCode);
  if (!REPLACEABLE.has(status)) throw new Error(`an answer ${status} can't be replaced by an error page`);
  if (errorCachingMinTtl !== 0) throw new Error("errors are not cached locally: errorCachingMinTtl must be 0");
  if (typeof responsePagePath !== "string" || !responsePagePath.startsWith("/") || responseCode === undefined)
    throw new Error("an error page needs a path that begins with a slash, and the status that it is answered with");
  return [status, { path: responsePagePath, status: Number(responseCode) }];
}

function originOf(origin: Inputs, { controls, lambda, s3, sockets }: Parts): [string, Origin] {
  onlyMembers("an origin", origin, ORIGIN);
  const domain = String(origin.domainName);
  const control = origin.originAccessControlId as string | undefined;
  const bucket = bucketIn(domain);
  const isBucket = bucket !== undefined && s3?.objects.has(bucket) === true;
  const isSockets = sockets?.hasHost(domain) === true;
  if (!lambda.hasUrl(domain) && !isBucket && !isSockets)
    throw new Error(
      `the origin ${domain} is neither a Function URL, a bucket nor a WebSocket API of this program: no other is served locally`,
    );
  if (isSockets && control !== undefined && control !== "")
    throw new Error(`no origin access control signs for ${domain}, which is a WebSocket API`);
  if (control !== undefined && control !== "" && controls.get(control) !== (isBucket ? "s3" : "lambda"))
    throw new Error(`there is no origin access control ${control} for what ${domain} is`);
  if (isBucket && (control === undefined || control === ""))
    throw new Error(`the bucket ${bucket} is private, and no origin access control signs for the distribution`);
  const custom = origin.customOriginConfig as Inputs | undefined;
  return [
    String(origin.originId),
    {
      domain,
      bucket: isBucket ? bucket : undefined,
      sockets: isSockets,
      customHeaders: Object.fromEntries(
        list(origin.customHeaders).map(({ name, value }) => [String(name), String(value)]),
      ),
      signed: control !== undefined && control !== "",
      timeoutMs: Number(custom?.originReadTimeout ?? 30) * 1000,
    },
  ];
}

/** Statuses at which the second origin of a group is asked ("Optimizing high availability with CloudFront origin failover"). */
const FAILOVER = new Set([400, 403, 404, 416, 429, 500, 502, 503, 504]);

/** An origin group, as its first origin. @throws Error naming what CloudFront would refuse */
function groupOf(group: Inputs, origins: ReadonlyMap<string, Origin>): [string, Origin] {
  const id = String(group.originId);
  const members = list(group.members).map(({ originId }) => String(originId));
  if (members.length !== 2 || members[0] === members[1])
    throw new Error(`the origin group ${id} has to have two origins`);
  const [first, second] = members.map((member) => origins.get(member));
  if (first === undefined || second === undefined)
    throw new Error(`the origin group ${id} names an origin that is not there`);
  const statuses = ((group.failoverCriteria as Inputs | undefined)?.statusCodes ?? []) as number[];
  const wrong = statuses.find((status) => !FAILOVER.has(status));
  if (statuses.length === 0 || wrong !== undefined)
    throw new Error(`the origin group ${id} can't ask its second origin at ${wrong ?? "no status"}`);
  return [id, { ...first, failover: { statuses: new Set(statuses), origin: second } }];
}

/** Methods of a behaviour whose origin is a group. */
const FAILOVER_METHODS = ["GET", "HEAD", "OPTIONS"];

function behaviourOf(
  inputs: Inputs,
  { id, origins }: Pick<Distribution, "id" | "origins">,
  { functions, forwardings, responses, lambda }: Parts,
): Behaviour {
  onlyMembers("a cache behaviour", inputs, BEHAVIOUR);
  const origin = origins.get(String(inputs.targetOriginId));
  if (origin === undefined) throw new Error(`no origin has the id ${String(inputs.targetOriginId)}`);
  const methods = inputs.allowedMethods as string[];
  if (origin.failover !== undefined && !methods.every((method) => FAILOVER_METHODS.includes(method)))
    throw new Error(`a behaviour whose origin is a group allows no other methods than ${FAILOVER_METHODS.join(", ")}`);
  const pattern = optional(inputs, "pathPattern", "string");
  const edges = list(inputs.lambdaFunctionAssociations);
  const viewers = list(inputs.functionAssociations);
  for (const { eventType } of edges)
    if (eventType !== "origin-request")
      throw new Error(`Lambda@Edge runs locally at origin-request only, not at ${String(eventType)}`);
  for (const { eventType } of viewers)
    if (eventType !== "viewer-request")
      throw new Error(`CloudFront Functions run locally at viewer-request only, not at ${String(eventType)}`);
  const viewer = viewers[0] === undefined ? undefined : functions.get(String(viewers[0].functionArn));
  if (viewers[0] !== undefined && viewer === undefined)
    throw new Error(`there is no published CloudFront Function ${String(viewers[0].functionArn)}`);
  if (origin.sockets === true && edges.length > 0)
    throw new Error("a Lambda@Edge function before a WebSocket API is not supported locally");
  const policy = optional(inputs, "responseHeadersPolicyId", "string");
  const response = policy === undefined ? undefined : responses.get(policy);
  if (policy !== undefined && response === undefined)
    throw new Error(`the response headers policy ${policy} is neither declared nor known`);
  return {
    matches: pattern === undefined ? undefined : wildcard(pattern.startsWith("/") ? pattern : `/${pattern}`),
    methods: new Set(methods),
    origin,
    forwarding: forwardingOf(
      [optional(inputs, "cachePolicyId", "string"), optional(inputs, "originRequestPolicyId", "string")],
      forwardings,
    ),
    viewerFunction: viewer === undefined ? undefined : compileViewerFunction(viewer.code, id, viewer.stores),
    edge:
      edges[0] === undefined
        ? undefined
        : { lambda: lambda.edgeFunction(String(edges[0].lambdaArn)), includeBody: edges[0].includeBody === true },
    compress: inputs.compress === true,
    addHeaders: response?.add ?? [],
    removeHeaders: response?.remove ?? [],
  };
}

/** @throws Error naming what CloudFront would refuse, or is not served locally */
export function readDistribution(
  id: string,
  inputs: Inputs,
  parts: Parts,
): Pick<Distribution, "id" | "behaviours" | "origins" | "errorPages"> {
  if (inputs.enabled !== true) throw new Error("the distribution is not enabled");
  const certificate = (inputs.viewerCertificate ?? {}) as Inputs;
  const version = String(certificate.minimumProtocolVersion ?? "TLSv1");
  // Source: CloudFront API reference, ViewerCertificate. CloudFront accepts another value and ignores it without an error.
  if (certificate.cloudfrontDefaultCertificate === true && version !== "TLSv1")
    throw new Error(
      `with its own certificate CloudFront always accepts TLSv1, so the minimum version can't be ${version}`,
    );
  const single = new Map(list(inputs.origins).map((origin) => originOf(origin, parts)));
  const origins = new Map([...single, ...list(inputs.originGroups).map((group) => groupOf(group, single))]);
  const declared = [...list(inputs.orderedCacheBehaviors), inputs.defaultCacheBehavior as Inputs];
  return {
    id,
    behaviours: declared.map((behaviour) => behaviourOf(behaviour, { id, origins }, parts)),
    origins,
    errorPages: new Map(list(inputs.customErrorResponses).map(errorPageOf)),
  };
}
