/** A small program that uses what the local core stands in for: the test bed of tests/local. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { echo, edge, viewer, worker } from "./functions.ts";

const trust = (...services: string[]): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: services }, Action: "sts:AssumeRole" }],
  });
const code = (source: string) => new pulumi.asset.AssetArchive({ "index.mjs": new pulumi.asset.StringAsset(source) });
const role = (name: string, ...services: string[]) =>
  new aws.iam.Role(`${name}-role`, { assumeRolePolicy: trust(...services) });

const dead = new aws.sqs.Queue("work-dead", {});
const work = new aws.sqs.Queue("work", {
  visibilityTimeoutSeconds: 1,
  redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
});
new aws.secretsmanager.Secret("token", {});
const closed = new aws.sqs.Queue("closed", {});

const echoRole = role("echo", "lambda.amazonaws.com");
const echoFunction = new aws.lambda.Function("echo", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: code(echo),
  role: echoRole.arn,
  timeout: 1,
  memorySize: 128,
  environment: { variables: { GREETING: "hello" } },
});
const single = new aws.lambda.Function("single", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: code(echo),
  role: echoRole.arn,
  timeout: 60,
  reservedConcurrentExecutions: 1,
});
new aws.lambda.Function("broken", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: code("throw new TypeError('broken at import');"),
  role: echoRole.arn,
});

const workerRole = role("worker", "lambda.amazonaws.com");
new aws.iam.RolePolicy("worker-policy", {
  role: workerRole.name,
  policy: pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"],
        Resource: work.arn,
      },
    ],
  }),
});
const workerFunction = new aws.lambda.Function("worker", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: code(worker),
  role: workerRole.arn,
});
new aws.lambda.EventSourceMapping("work-to-worker", {
  eventSourceArn: work.arn,
  functionName: workerFunction.arn,
  batchSize: 10,
  functionResponseTypes: ["ReportBatchItemFailures"],
});

// The worker may send to the queue that feeds it.
new aws.lambda.FunctionRecursionConfig("worker", {
  functionName: workerFunction.name,
  recursiveLoop: new pulumi.Config("probe").get("loop") ?? "Allow",
});

const edgeFunction = new aws.lambda.Function("edge", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: code(edge),
  role: role("edge", "lambda.amazonaws.com", "edgelambda.amazonaws.com").arn,
  publish: true,
});
const viewerFunction = new aws.cloudfront.Function("viewer", {
  runtime: "cloudfront-js-2.0",
  code: viewer,
  publish: true,
});
const access = new aws.cloudfront.OriginAccessControl("access", {
  originAccessControlOriginType: "lambda",
  signingBehavior: "always",
  signingProtocol: "sigv4",
});
const urlOf = (name: string, target: aws.lambda.Function) =>
  new aws.lambda.FunctionUrl(`${name}-url`, { functionName: target.name, authorizationType: "AWS_IAM" });
const echoUrl = urlOf("echo", echoFunction);
const singleUrl = urlOf("single", single);

const origin = (originId: string, url: aws.lambda.FunctionUrl) => ({
  originId,
  domainName: url.functionUrl.apply((text) => new URL(text).host),
  originAccessControlId: access.id,
  customOriginConfig: {
    httpPort: 80,
    httpsPort: 443,
    originProtocolPolicy: "https-only",
    originSslProtocols: ["TLSv1.2"],
  },
});
const behavior = (targetOriginId: string) => ({
  targetOriginId,
  viewerProtocolPolicy: "https-only",
  allowedMethods: ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
  cachedMethods: ["GET", "HEAD"],
  cachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
  originRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
  responseHeadersPolicyId: "67f7725c-6f97-4210-82d7-5512b31e9d03",
  functionAssociations: [{ eventType: "viewer-request", functionArn: viewerFunction.arn }],
  lambdaFunctionAssociations: [
    { eventType: "origin-request", lambdaArn: edgeFunction.qualifiedArn, includeBody: true },
  ],
});
const distribution = new aws.cloudfront.Distribution("public", {
  enabled: true,
  origins: [origin("echo", echoUrl), origin("single", singleUrl)],
  originGroups: [
    {
      originId: "either",
      failoverCriteria: { statusCodes: [403] },
      members: [{ originId: "single" }, { originId: "echo" }],
    },
  ],
  defaultCacheBehavior: behavior("echo"),
  orderedCacheBehaviors: [
    { pathPattern: "/unpermitted", ...behavior("single") },
    { pathPattern: "/read/*", ...behavior("echo"), allowedMethods: ["GET", "HEAD"] },
    { pathPattern: "/either/*", ...behavior("either"), allowedMethods: ["GET", "HEAD"] },
  ],
  restrictions: { geoRestriction: { restrictionType: "none" } },
  viewerCertificate: { cloudfrontDefaultCertificate: true },
});
for (const [name, args] of [
  ["url", { action: "lambda:InvokeFunctionUrl", functionUrlAuthType: "AWS_IAM" }],
  ["invoke", { action: "lambda:InvokeFunction", invokedViaFunctionUrl: true }],
] as const) {
  const caller = { function: echoFunction.name, principal: "cloudfront.amazonaws.com", sourceArn: distribution.arn };
  new aws.lambda.Permission(`echo-${name}`, { ...caller, ...args });
}

export const workUrl = work.url;
export const deadUrl = dead.url;
export const closedUrl = closed.url;
export const workArn = work.arn;
