import { at, listAt, type Resource, type Rule, refersTo, type Stack, statementsOf, textAt } from "./rule.ts";

/** TLS 1.2 or later between any two parties. */

const inTransit = ["SOC 2 CC6.7", "GDPR Art. 32(1)(a)"];

/** Whether a resource policy refuses everybody who comes without TLS. */
const refusesPlainText = (document: unknown): boolean =>
  statementsOf(document).some(
    ({ effect, principal, condition, actions }) =>
      effect === "Deny" &&
      principal === "*" &&
      actions.length > 0 &&
      String(at((condition ?? {}) as Record<string, unknown>, "Bool.aws:SecureTransport") ?? "") === "false",
  );

const guarded = (
  name: string,
  what: string,
  type: string,
  policy: string,
  link: string,
  controls: readonly string[],
): Rule => ({
  name,
  description: `${what} refuses requests without TLS.`,
  severity: "high",
  remedy: "Attach a policy with the statement of `refusePlainText`.",
  serves: [...controls, ...inTransit],
  subjects: [type],
  evidence: ["arn"],
  wholeStack: true,
  check: (subject: Resource, stack: Stack) =>
    stack.of(policy).some((one) => refersTo(one, link, subject) && refusesPlainText(one.props.policy))
      ? undefined
      : "no policy refuses requests without TLS",
});

const distribution = "aws:cloudfront/distribution:Distribution";
const behaviors = ({ props }: Resource) => [
  at(props, "defaultCacheBehavior") as Record<string, unknown>,
  ...listAt(props, "orderedCacheBehaviors"),
];

export const transport: readonly Rule[] = [
  guarded("bucket-tls", "Every bucket", "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy", "bucket", [
    "FSBP S3.5",
    "CIS AWS 3.0 2.1.1",
  ]),
  guarded("queue-tls", "Every queue", "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy", "queueUrl", []),
  guarded("topic-tls", "Every topic", "aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy", "arn", []),
  {
    name: "viewer-tls-1-2",
    description: "Callers speak TLS 1.2 or later with the distribution.",
    severity: "critical",
    remedy: "Set `viewerCertificate.minimumProtocolVersion` to `TLSv1.2_2021` or `TLSv1.3_2025`.",
    serves: ["FSBP CloudFront.3", ...inTransit],
    subjects: [distribution],
    evidence: ["viewerCertificate.minimumProtocolVersion"],
    check: ({ props }) =>
      ["TLSv1.2_2021", "TLSv1.3_2025"].includes(textAt(props, "viewerCertificate.minimumProtocolVersion"))
        ? undefined
        : "older protocol versions than TLS 1.2 are accepted",
  },
  {
    name: "viewer-https-only",
    description:
      "A request over plain HTTP is refused, not redirected: by then its key has already travelled in the clear.",
    severity: "critical",
    remedy: 'Set `viewerProtocolPolicy: "https-only"` on every cache behaviour.',
    serves: ["FSBP CloudFront.3", ...inTransit],
    subjects: [distribution],
    evidence: ["defaultCacheBehavior.viewerProtocolPolicy"],
    check: (subject) =>
      behaviors(subject).every(({ viewerProtocolPolicy }) => viewerProtocolPolicy === "https-only")
        ? undefined
        : "a cache behaviour answers plain HTTP",
  },
  {
    name: "origin-tls-1-2",
    description: "The distribution speaks TLS 1.2 with its origins and nothing else.",
    severity: "critical",
    remedy: 'Set `originProtocolPolicy: "https-only"` and `originSslProtocols: ["TLSv1.2"]` on every origin.',
    serves: ["FSBP CloudFront.9", "FSBP CloudFront.10", ...inTransit],
    subjects: [distribution],
    evidence: ["origins"],
    check: ({ props }) => {
      const weak = listAt(props, "origins").filter(
        (origin) =>
          at(origin, "customOriginConfig.originProtocolPolicy") !== "https-only" ||
          JSON.stringify(at(origin, "customOriginConfig.originSslProtocols")) !== '["TLSv1.2"]',
      );
      return weak.length === 0
        ? undefined
        : `origins reached otherwise: ${weak.map(({ originId }) => originId).join(", ")}`;
    },
  },
  {
    name: "cache-tls",
    description: "The cache speaks TLS only.",
    severity: "high",
    remedy: 'Set `transitEncryptionEnabled: true` and `transitEncryptionMode: "required"`.',
    serves: ["FSBP ElastiCache.5", ...inTransit],
    subjects: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    evidence: ["transitEncryptionEnabled", "transitEncryptionMode"],
    check: ({ props }) =>
      props.transitEncryptionEnabled === true && props.transitEncryptionMode === "required"
        ? undefined
        : "the cache accepts connections without TLS",
  },
  {
    name: "database-tls",
    description: "PostgreSQL refuses connections without TLS.",
    severity: "high",
    remedy: "Set the parameter `rds.force_ssl` to 1.",
    serves: ["FSBP RDS.38", ...inTransit],
    subjects: ["aws:rds/parameterGroup:ParameterGroup"],
    evidence: ["parameters"],
    check: ({ props }) =>
      listAt(props, "parameters").some(({ name, value }) => name === "rds.force_ssl" && value === "1")
        ? undefined
        : "the parameter `rds.force_ssl` is not 1",
  },
  {
    name: "database-uses-parameters",
    description: "The database runs with a parameter group of ours, not with the default.",
    severity: "high",
    remedy: "Set `parameterGroupName` to the group with `rds.force_ssl`.",
    serves: inTransit,
    subjects: ["aws:rds/instance:Instance"],
    evidence: ["parameterGroupName"],
    wholeStack: true,
    check: (instance, stack) =>
      stack.of("aws:rds/parameterGroup:ParameterGroup").some((group) => refersTo(instance, "parameterGroupName", group))
        ? undefined
        : "`parameterGroupName` is none of the stack's parameter groups",
  },
  {
    name: "proxy-tls",
    description: "The proxy before PostgreSQL refuses connections without TLS.",
    severity: "high",
    remedy: "Set `requireTls: true`.",
    serves: inTransit,
    subjects: ["aws:rds/proxy:Proxy"],
    evidence: ["requireTls"],
    check: ({ props }) => (props.requireTls === true ? undefined : "the proxy accepts connections without TLS"),
  },
  {
    name: "strict-transport",
    description: "Answers tell browsers to use HTTPS for two years.",
    severity: "low",
    remedy: "Set `securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec` to 63072000.",
    serves: inTransit,
    subjects: ["aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"],
    evidence: ["securityHeadersConfig.strictTransportSecurity"],
    check: ({ props }) =>
      Number(at(props, "securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec") ?? 0) >= 63_072_000
        ? undefined
        : "Strict-Transport-Security is missing or shorter than two years",
  },
];
