/** Amazon CloudFront on one machine: one distribution, served over HTTP on the platform's public port. */
import { createHash } from "node:crypto";
import { defined } from "../runtime/domain/defined.ts";
import type { ApiGateway } from "./apigateway.ts";
import { readObject } from "./cloudfront/bucketOrigin.ts";
import { readDistribution } from "./cloudfront/declared.ts";
import type { Distribution, Origin } from "./cloudfront/distribution.ts";
import { createKeyValueStores, type ReadPair } from "./cloudfront/keyValueStore.ts";
import { createManagement, type Described } from "./cloudfront/management.ts";
import {
  type AddedHeader,
  type Forwarding,
  managedIds,
  readForwarding,
  readResponseHeaders,
  securityHeaders,
} from "./cloudfront/policies.ts";
import { type PublicOrigins, type PublicServer, startPublicServer } from "./cloudfront/server.ts";
import { onlySupports, optional, physicalName, required } from "./declared.ts";
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
  "origins originGroups defaultCacheBehavior orderedCacheBehaviors customErrorResponses enabled comment aliases viewerCertificate httpVersion isIpv6Enabled priceClass restrictions loggingConfig retainOnDelete waitForDeployment webAclId staging continuousDeploymentPolicyId tagsAll";
const hex = (name: string): string => createHash("sha256").update(name).digest("hex").slice(0, 13).toUpperCase();

/** What a distribution needs beside functions and buckets. */
interface Beside {
  /** Resolves once a bucket holds what it is to serve, or this of it: a viewer that asks before waits for that. @default at once */
  ready?(bucket: string, key: string): Promise<void>;
  /** Answers a viewer in place of an origin. @default nobody does */
  standsIn?: PublicOrigins["standsIn"];
  /** WebSocket APIs. @default none */
  readonly sockets?: Pick<ApiGateway, "hasHost" | "open" | "endSockets" | "plain">;
}

export function createCloudFront(
  context: LocalContext,
  lambda: Lambda,
  waf: Waf,
  s3: S3Service,
  { ready = async () => {}, standsIn, sockets }: Beside = {},
): CloudFront {
  const stores = createKeyValueStores(context);
  const functions = new Map<string, { readonly code: string; readonly stores: readonly ReadPair[] }>();
  const controls = new Map<string, string>();
  const forwardings = new Map<string, Forwarding>();
  const responses = new Map<string, { add: readonly AddedHeader[]; remove: readonly string[] }>([
    [managedIds["Managed-SecurityHeadersPolicy"], { add: securityHeaders, remove: [] }],
  ]);
  let distribution: Distribution | undefined;
  let described: Described | undefined;
  let server: PublicServer | undefined;
  const arnOf = (kind: string, id: string) => `arn:aws:cloudfront::${context.accountId}:${kind}/${id}`;

  async function createDistribution(request: ResourceRequest) {
    onlySupports(request, DISTRIBUTION);
    const { inputs } = request;
    const id = `E${hex(request.name)}`;
    if (distribution !== undefined && distribution.id !== id)
      throw new Error("the local platform serves one distribution, the program declares a second");
    const read = readDistribution(id, inputs, { functions, controls, forwardings, responses, lambda, s3, sockets });
    const acl = optional(inputs, "webAclId", "string");
    if (acl !== undefined && !waf.has(acl)) throw new Error(`there is no web ACL ${acl}`);
    distribution = {
      ...read,
      arn: arnOf("distribution", id),
      inspect: acl === undefined ? undefined : (address) => waf.inspect(acl, address),
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
        origin.sockets === true
          ? Promise.resolve(sockets!.plain())
          : origin.bucket === undefined
            ? lambda.callUrl(origin.domain, request, sourceArn)
            : readObject(s3!, { bucket: origin.bucket, request, sourceArn, account: context.accountId, ready });
      server = await startPublicServer(
        () => distribution!,
        port,
        { callOrigin, ...defined({ sockets, standsIn }) },
        context.log,
      );
      const { aliases = [] } = described!.inputs as { readonly aliases?: readonly string[] };
      for (const host of [described!.domainName, ...aliases])
        if (context.elsewhere !== undefined) context.elsewhere[`https://${host}`] = server.url;
      return server;
    },
    close: async () => server?.close(),
  };
}
