import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { Home, OriginOutputs, Standby } from "../stack/otherStacks.ts";
import { EDGE_REGION } from "../stack/settings.ts";
import { root } from "./bundle.ts";
import type { DataBucket } from "./dataBucket.ts";
import { WebAcl } from "./webAcl.ts";

/** A function that requests go to. */
interface Target {
  /** What its permissions are named after. */
  readonly id: string;
  readonly originId: pulumi.Output<string>;
  readonly region: pulumi.Input<string>;
  readonly at: pulumi.Output<OriginOutputs>;
}

/** Headers of every answer, pages and API alike. */
const SECURITY_HEADERS = {
  strictTransportSecurity: {
    accessControlMaxAgeSec: 63_072_000,
    includeSubdomains: true,
    preload: true,
    override: true,
  },
  contentTypeOptions: { override: true },
  frameOptions: { frameOption: "DENY", override: true },
  referrerPolicy: { referrerPolicy: "no-referrer", override: true },
};

export interface DistributionArgs {
  /** ARN, with its version, of the Lambda@Edge function. */
  readonly authenticate: pulumi.Input<string>;
  /** ARN of the store in which a standby region says that it takes over. */
  readonly failoverStore: pulumi.Input<string>;
  /** Where requests go. */
  readonly home: Home;
  /** Where `POST /events` goes in its place. */
  readonly standbys: readonly Standby[];
  readonly logs: DataBucket;
  /** The bucket of the console's pages and of the documentation. */
  readonly pages: DataBucket;
  readonly domain?: { readonly name: string; readonly certificateArn: string } | undefined;
  /** Requests a minute from one address beyond which it is refused. @default no web ACL */
  readonly addressLimit?: number | undefined;
}

/** CloudFront's own policies. Source: Developer Guide, "Use managed cache policies", "… origin request policies". */
const CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/**
 * What a page may do: run its own scripts, no text as one (Trusted Types), and ask this host alone. Styles come from files alone,
 * so inline styles stay forbidden.
 * @param scripts what may run; the search in the documentation is WebAssembly, which a browser compiles only where that is allowed
 */
const policyOf = (scripts: string): string =>
  [
    "default-src 'none'",
    `script-src ${scripts}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");

/** Where sockets are opened. `/live/tickets` is a call of the API. */
const SOCKETS = "/live";

/** Where the console's function answers; every other path under `/console` is a page. */
const CONSOLE_CALLS = ["/console/api/*", "/console/session*"];
const CONSOLE_PAGES = ["/console", "/console/*"];
/** The documentation's pages; what answers in the place of the edge's own refusals is the API's. */
const ERROR_PAGES = "/docs/answers";
/** Language models look for their list at the root: https://llmstxt.org. */
const DOCS_PAGES = ["/docs", "/docs/*", "/llms.txt"];
/** What the bucket has no object for is asked of the API, which answers 404 with a page that leads on. */
const DOCS_ORIGINS = { id: "docs", failsOverAt: [403, 404] };

const methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/**
 * Answers that no function of ours gives: CloudFront and Lambda say them in words of their own. They are replaced by ones
 * in the format of errors; 403 and 503 are not, for those our functions say more by. docs/decisions/edge-errors.md.
 */
const WORDLESS = [414, 502, 504];

/** The distribution: TLS 1.2 and later under a name of our own, nothing cached, every request authenticated before it leaves the edge. */
export class Distribution extends pulumi.ComponentResource {
  readonly distribution: aws.cloudfront.Distribution;
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: DistributionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Distribution", name, {}, opts);
    const own = { parent: this };
    const label = `${pulumi.getProject()}-${pulumi.getStack()}`;
    const atTheEdge = (name: string, file: string, comment: string, more: Partial<aws.cloudfront.FunctionArgs> = {}) =>
      new aws.cloudfront.Function(
        name,
        {
          runtime: "cloudfront-js-2.0",
          comment,
          code: readFileSync(join(root, "runtime/edge", file), "utf8"),
          publish: true,
          ...more,
        },
        own,
      );
    const viewer = atTheEdge(
      "viewer",
      "viewer.js",
      "Keeps the caller's Authorization, drops identity headers that a caller made up, picks the region",
      { keyValueStoreAssociations: [args.failoverStore] },
    );
    const toPages = atTheEdge("pages", "pages.js", "Answers every path of the console with its one page");
    const toDocs = atTheEdge("docs", "docs.js", "Finds the page of a path of the documentation");
    const readPages = new aws.cloudfront.OriginAccessControl(
      "pages-access",
      {
        description: "Signs what the distribution reads of the bucket of pages",
        originAccessControlOriginType: "s3",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
      own,
    );
    const access = new aws.cloudfront.OriginAccessControl(
      "origin-access",
      {
        description: "Signs what the distribution sends to function URLs",
        originAccessControlOriginType: "lambda",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
      own,
    );
    const headers = new aws.cloudfront.ResponseHeadersPolicy(
      "security-headers",
      {
        securityHeadersConfig: SECURITY_HEADERS,
        // Answers hold keys, secrets and payloads: nobody on the way keeps them, unless an origin says otherwise.
        customHeadersConfig: { items: [{ header: "Cache-Control", value: "no-store", override: false }] },
      },
      own,
    );
    const headersOfPages = (id: string, policy: string) =>
      new aws.cloudfront.ResponseHeadersPolicy(
        id,
        {
          securityHeadersConfig: {
            ...SECURITY_HEADERS,
            contentSecurityPolicy: { contentSecurityPolicy: policy, override: true },
          },
          customHeadersConfig: {
            items: [
              { header: "Cross-Origin-Opener-Policy", value: "same-origin", override: true },
              { header: "Cross-Origin-Resource-Policy", value: "same-origin", override: true },
              { header: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()", override: true },
            ],
          },
        },
        own,
      );
    const pageHeaders = headersOfPages("page-headers", policyOf("'self'"));
    const docsHeaders = headersOfPages("docs-headers", policyOf("'self' 'wasm-unsafe-eval'"));
    const { home, standbys, pages } = args;
    // The viewer function names an origin by its region, `ingest-eu-west-1`.
    const target = (id: string, what: string, region: pulumi.Input<string>, at: Home["ingest"]): Target => ({
      id,
      originId: pulumi.interpolate`${what}-${region}`,
      region,
      at: pulumi.output(at),
    });
    const api = target("api", "api", home.region, home.api);
    const ingest = target("ingest", "ingest", home.region, home.ingest);
    const console = target("console", "console", home.region, home.console);
    const targets = [
      api,
      ingest,
      console,
      ...standbys.map((other) => target(`ingest-${other.stack}`, "ingest", other.region, other.ingest)),
    ];
    const reach = {
      customOriginConfig: {
        httpPort: 80,
        httpsPort: 443,
        originProtocolPolicy: "https-only",
        originSslProtocols: ["TLSv1.2"],
        originReadTimeout: 30,
        originKeepaliveTimeout: 60,
      },
      // CloudFront gives up on a silent region after six seconds instead of thirty: the caller repeats, and may reach another
      // region.
      connectionAttempts: 2,
      connectionTimeout: 3,
    };
    const origin = ({ originId, at }: Target) => ({
      originId,
      domainName: at.apply(({ url }) => new URL(url).host),
      originAccessControlId: access.id,
      ...reach,
    });
    const behavior = (targetOriginId: pulumi.Input<string>) => ({
      targetOriginId,
      viewerProtocolPolicy: "https-only",
      allowedMethods: methods,
      cachedMethods: ["GET", "HEAD"],
      compress: false,
      cachePolicyId: CACHING_DISABLED,
      originRequestPolicyId: ALL_VIEWER_EXCEPT_HOST,
      responseHeadersPolicyId: headers.id,
      functionAssociations: [{ eventType: "viewer-request", functionArn: viewer.arn }],
      lambdaFunctionAssociations: [{ eventType: "origin-request", lambdaArn: args.authenticate, includeBody: true }],
    });
    // A handshake goes on as it came, and the WebSocket API's authoriser says who it is. CloudFront keeps the connection then.
    const { lambdaFunctionAssociations: _, ...unauthenticated } = behavior("live");
    const live = { pathPattern: SOCKETS, ...unauthenticated, allowedMethods: ["GET", "HEAD"] };
    // Origins of pages get no header of the viewer, so a viewer can't pass an identity on to the API.
    const page = (
      pathPattern: string,
      targetOriginId: pulumi.Input<string>,
      rewritten: aws.cloudfront.Function,
      headers: aws.cloudfront.ResponseHeadersPolicy,
    ) => ({
      pathPattern,
      targetOriginId,
      viewerProtocolPolicy: "https-only",
      allowedMethods: ["GET", "HEAD"],
      cachedMethods: ["GET", "HEAD"],
      // gzip and Brotli, by what the browser takes.
      compress: true,
      cachePolicyId: CACHING_OPTIMIZED,
      responseHeadersPolicyId: headers.id,
      functionAssociations: [{ eventType: "viewer-request", functionArn: rewritten.arn }],
    });
    const acl = args.addressLimit === undefined ? undefined : new WebAcl("edge", { perMinute: args.addressLimit }, own);
    this.distribution = new aws.cloudfront.Distribution(
      `${name}-distribution`,
      {
        comment: `${label}: the public endpoint`,
        enabled: true,
        isIpv6Enabled: true,
        httpVersion: "http2and3",
        priceClass: "PriceClass_All",
        origins: [
          ...targets.map(origin),
          {
            originId: "pages",
            domainName: pages.bucket.bucketRegionalDomainName,
            originAccessControlId: readPages.id,
          },
          { originId: "live", domainName: home.live, ...reach },
        ],
        originGroups: [
          {
            originId: DOCS_ORIGINS.id,
            failoverCriteria: { statusCodes: DOCS_ORIGINS.failsOverAt },
            members: [{ originId: "pages" }, { originId: api.originId }],
          },
        ],
        defaultCacheBehavior: behavior(api.originId),
        // The behaviour is chosen before the viewer function takes a path's last slash away.
        orderedCacheBehaviors: [
          ...["/events", "/events/"].map((pathPattern) => ({ pathPattern, ...behavior(ingest.originId) })),
          ...CONSOLE_CALLS.map((pathPattern) => ({ pathPattern, ...behavior(console.originId) })),
          ...CONSOLE_PAGES.map((pathPattern) => page(pathPattern, "pages", toPages, pageHeaders)),
          { pathPattern: `${ERROR_PAGES}/*`, ...behavior(api.originId) },
          ...DOCS_PAGES.map((pathPattern) => page(pathPattern, DOCS_ORIGINS.id, toDocs, docsHeaders)),
          live,
        ],
        customErrorResponses: WORDLESS.map((errorCode) => ({
          errorCode,
          responseCode: errorCode,
          responsePagePath: `${ERROR_PAGES}/${errorCode}`,
          errorCachingMinTtl: 0,
        })),
        ...defined({ webAclId: mapDefined(acl, (acl) => acl.arn) }),
        restrictions: { geoRestriction: { restrictionType: "none" } },
        ...defined({ aliases: mapDefined(args.domain, (domain) => [domain.name]) }),
        viewerCertificate:
          args.domain === undefined
            ? // CloudFront sets this with its own certificate, and ignores the argument. Source: API Reference, ViewerCertificate.
              { cloudfrontDefaultCertificate: true, minimumProtocolVersion: "TLSv1" }
            : {
                acmCertificateArn: args.domain.certificateArn,
                sslSupportMethod: "sni-only",
                minimumProtocolVersion: "TLSv1.2_2025",
              },
      },
      own,
    );
    for (const { id, region: where, at } of targets) {
      const caller = {
        region: where,
        function: at.function,
        qualifier: at.qualifier as pulumi.Output<string>,
        principal: "cloudfront.amazonaws.com",
        sourceArn: this.distribution.arn,
      };
      // A Function URL behind an origin access control takes both; either alone is refused.
      new aws.lambda.Permission(
        `${id}-url`,
        { ...caller, action: "lambda:InvokeFunctionUrl", functionUrlAuthType: "AWS_IAM" },
        own,
      );
      new aws.lambda.Permission(
        `${id}-invoke`,
        { ...caller, action: "lambda:InvokeFunction", invokedViaFunctionUrl: true },
        own,
      );
    }
    this.deliverLogs(label, args.logs);
    this.url =
      args.domain === undefined
        ? pulumi.interpolate`https://${this.distribution.domainName}`
        : pulumi.output(`https://${args.domain.name}`);
    this.registerOutputs({ url: this.url });
  }

  private deliverLogs(label: string, logs: DataBucket): void {
    const own = { parent: this };
    const source = new aws.cloudwatch.LogDeliverySource(
      "access-log",
      { region: EDGE_REGION, name: label, logType: "ACCESS_LOGS", resourceArn: this.distribution.arn },
      own,
    );
    const destination = new aws.cloudwatch.LogDeliveryDestination(
      "access-log",
      {
        region: EDGE_REGION,
        name: label,
        outputFormat: "json",
        deliveryDestinationConfiguration: {
          destinationResourceArn: pulumi.interpolate`${logs.bucket.arn}/cloudfront`,
        },
      },
      own,
    );
    new aws.cloudwatch.LogDelivery(
      "access-log",
      { region: EDGE_REGION, deliverySourceName: source.name, deliveryDestinationArn: destination.arn },
      { ...own, dependsOn: [logs.policy] },
    );
  }
}
