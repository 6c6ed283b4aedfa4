/** Amazon CloudFront on one machine: one distribution, served over HTTP on the platform's public port. */
import { createHash } from "node:crypto";
import { bucketIn, readObject } from "./cloudfront/bucketOrigin.ts";
import type { Behaviour, Distribution, ErrorPage, Origin } from "./cloudfront/distribution.ts";
import { createKeyValueStores, type ReadPair } from "./cloudfront/keyValueStore.ts";
import { createManagement, type Described } from "./cloudfront/management.ts";
import {
  type AddedHeader,
  type Forwarding,
  forwardingOf,
  readForwarding,
  readResponseHeaders,
  SECURITY_HEADERS,
  securityHeaders,
} from "./cloudfront/policies.ts";
import { type PublicServer, startPublicServer } from "./cloudfront/server.ts";
import { compileViewerFunction } from "./cloudfront/viewerFunction.ts";
import { list, onlySupports, optional, physicalName, required } from "./declared.ts";
import { wildcard } from "./iamPolicy.ts";
import type { Lambda } from "./lambda.ts";
import type { S3Service } from "./s3.ts";
import type { Inputs, LocalContext, LocalService, ResourceRequest } from "./service.ts";
import type { Waf } from "./waf.ts";

export interface CloudFront extends LocalService {
  /** Serves the program's distribution. @throws Error when the program declares none, or the port is taken */
  listen(port: number): Promise<PublicServer>;
  /** CloudFront's own API; the one beside it is KeyValueStore's. */
  readonly management: LocalService;
}

/** Arguments that change nothing for a viewer on this machine: names, certificates, prices, logs, caching. */
const DISTRIBUTION =
  "origins defaultCacheBehavior orderedCacheBehaviors customErrorResponses enabled comment aliases viewerCertificate httpVersion isIpv6Enabled priceClass restrictions loggingConfig retainOnDelete waitForDeployment webAclId staging continuousDeploymentPolicyId tagsAll";
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

const hex = (name: string): string => createHash("sha256").update(name).digest("hex").slice(0, 13).toUpperCase();

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

/** @param ready resolves once a bucket holds what it is to serve: who asks before waits for that. @default at once */
export function createCloudFront(
  context: LocalContext,
  lambda: Lambda,
  waf?: Waf,
  s3?: S3Service,
  ready: (bucket: string) => Promise<void> = async () => {},
): CloudFront {
  const stores = createKeyValueStores(context);
  const functions = new Map<string, { readonly code: string; readonly stores: readonly ReadPair[] }>();
  const controls = new Map<string, string>();
  const forwardings = new Map<string, Forwarding>();
  const responses = new Map<string, { add: readonly AddedHeader[]; remove: readonly string[] }>([
    [SECURITY_HEADERS, { add: securityHeaders, remove: [] }],
  ]);
  let distribution: Distribution | undefined;
  let described: Described | undefined;
  let server: PublicServer | undefined;
  const arnOf = (kind: string, id: string) => `arn:aws:cloudfront::${context.accountId}:${kind}/${id}`;

  function originOf(origin: Inputs): [string, Origin] {
    onlyMembers("an origin", origin, ORIGIN);
    const domain = String(origin.domainName);
    const control = origin.originAccessControlId as string | undefined;
    const bucket = bucketIn(domain);
    const isBucket = bucket !== undefined && s3?.objects.has(bucket) === true;
    if (!lambda.hasUrl(domain) && !isBucket)
      throw new Error(
        `the origin ${domain} is neither a Function URL nor a bucket of this program: no other is served locally`,
      );
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
        customHeaders: Object.fromEntries(
          list(origin.customHeaders).map(({ name, value }) => [String(name), String(value)]),
        ),
        signed: control !== undefined && control !== "",
        timeoutMs: Number(custom?.originReadTimeout ?? 30) * 1000,
      },
    ];
  }

  function behaviourOf(inputs: Inputs, origins: ReadonlyMap<string, Origin>, distributionId: string): Behaviour {
    onlyMembers("a cache behaviour", inputs, BEHAVIOUR);
    const origin = origins.get(String(inputs.targetOriginId));
    if (origin === undefined) throw new Error(`no origin has the id ${String(inputs.targetOriginId)}`);
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
    const policy = optional(inputs, "responseHeadersPolicyId", "string");
    const response = policy === undefined ? undefined : responses.get(policy);
    if (policy !== undefined && response === undefined)
      throw new Error(`the response headers policy ${policy} is neither declared nor known`);
    return {
      matches: pattern === undefined ? undefined : wildcard(pattern.startsWith("/") ? pattern : `/${pattern}`),
      methods: new Set(inputs.allowedMethods as string[]),
      origin,
      forwarding: forwardingOf(
        [optional(inputs, "cachePolicyId", "string"), optional(inputs, "originRequestPolicyId", "string")],
        forwardings,
      ),
      viewerFunction:
        viewer === undefined ? undefined : compileViewerFunction(viewer.code, distributionId, viewer.stores),
      edge:
        edges[0] === undefined
          ? undefined
          : { lambda: lambda.edgeFunction(String(edges[0].lambdaArn)), includeBody: edges[0].includeBody === true },
      compress: inputs.compress === true,
      addHeaders: response?.add ?? [],
      removeHeaders: response?.remove ?? [],
    };
  }

  async function createDistribution(request: ResourceRequest) {
    onlySupports(request, DISTRIBUTION);
    const { inputs } = request;
    if (inputs.enabled !== true) throw new Error("the distribution is not enabled");
    const certificate = (inputs.viewerCertificate ?? {}) as Inputs;
    const version = String(certificate.minimumProtocolVersion ?? "TLSv1");
    // Source: CloudFront API reference, ViewerCertificate. CloudFront accepts another value and ignores it without an error.
    if (certificate.cloudfrontDefaultCertificate === true && version !== "TLSv1")
      throw new Error(
        `with its own certificate CloudFront always accepts TLSv1, so the minimum version can't be ${version}`,
      );
    const id = `E${hex(request.name)}`;
    if (distribution !== undefined && distribution.id !== id)
      throw new Error("the local platform serves one distribution, the program declares a second");
    const origins = new Map(list(inputs.origins).map(originOf));
    const ordered = list(inputs.orderedCacheBehaviors).map((behaviour) => behaviourOf(behaviour, origins, id));
    const fallback = behaviourOf(inputs.defaultCacheBehavior as Inputs, origins, id);
    const errorPages = new Map(list(inputs.customErrorResponses).map(errorPageOf));
    const acl = optional(inputs, "webAclId", "string");
    if (acl !== undefined && waf?.has(acl) !== true) throw new Error(`there is no web ACL ${acl}`);
    distribution = {
      id,
      arn: arnOf("distribution", id),
      behaviours: [...ordered, fallback],
      origins,
      errorPages,
      inspect: acl === undefined ? undefined : (address) => waf?.inspect(acl, address),
    };
    const domainName = `d${id.toLowerCase()}.cloudfront.net`;
    described = { id, arn: distribution.arn, domainName, inputs };
    return {
      id,
      state: {
        ...inputs,
        arn: distribution.arn,
        domainName,
        hostedZoneId: "Z2FDTNDATAQYW2",
        status: "Deployed",
        etag: id,
      },
    };
  }

  return {
    management: createManagement((id) => (described?.id === id ? described : undefined)),
    api: stores.api!,
    resources: {
      ...stores.resources,
      "aws:cloudfront/distribution:Distribution": createDistribution,
      "aws:cloudfront/function:Function": async (request) => {
        onlySupports(request, "name runtime code publish comment keyValueStoreAssociations");
        const name = physicalName(request);
        if (required(request, "runtime") !== "cloudfront-js-2.0")
          throw new Error("only the runtime cloudfront-js-2.0 is supported locally");
        if (request.inputs.publish === false)
          throw new Error("the function is not published: a distribution can't use it");
        const associated = (request.inputs.keyValueStoreAssociations ?? []) as string[];
        if (associated.length > 1) throw new Error("a CloudFront Function has at most one key value store");
        functions.set(arnOf("function", name), {
          code: required(request, "code"),
          stores: associated.map((arn) => stores.reader(arn)),
        });
        return {
          id: name,
          state: { ...request.inputs, name, arn: arnOf("function", name), status: "UNASSOCIATED", etag: name },
        };
      },
      "aws:cloudfront/originAccessControl:OriginAccessControl": async (request) => {
        onlySupports(request, "name description originAccessControlOriginType signingBehavior signingProtocol");
        const kind = String(request.inputs.originAccessControlOriginType);
        if (kind !== "lambda" && kind !== "s3")
          throw new Error("only origin access controls for lambda and s3 are supported locally");
        if (request.inputs.signingBehavior !== "always")
          throw new Error('signingBehavior must be "always": otherwise the caller could sign');
        const id = `E${hex(`oac-${request.name}`)}`;
        controls.set(id, kind);
        return { id, state: { ...request.inputs, arn: arnOf("origin-access-control", id), etag: id } };
      },
      "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": async (request) => {
        forwardings.set(request.name, readForwarding(request.inputs));
        return { id: request.name, state: { ...request.inputs, etag: request.name } };
      },
      "aws:cloudfront/cachePolicy:CachePolicy": async (request) => {
        forwardings.set(
          request.name,
          readForwarding((request.inputs.parametersInCacheKeyAndForwardedToOrigin ?? {}) as Inputs),
        );
        return { id: request.name, state: { ...request.inputs, etag: request.name } };
      },
      "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": async (request) => {
        responses.set(request.name, readResponseHeaders(request.inputs));
        return { id: request.name, state: { ...request.inputs, etag: request.name } };
      },
    },
    async listen(port) {
      if (distribution === undefined)
        throw new Error("the program declares no CloudFront distribution, so nothing would be public");
      const callOrigin = (origin: Origin, request: Parameters<Lambda["callUrl"]>[1], sourceArn: string) =>
        origin.bucket === undefined
          ? lambda.callUrl(origin.domain, request, sourceArn)
          : readObject(s3!, { bucket: origin.bucket, request, sourceArn, account: context.accountId, ready });
      server = await startPublicServer(() => distribution!, port, callOrigin, context.log);
      return server;
    },
    close: async () => server?.close(),
  };
}
