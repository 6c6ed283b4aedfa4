import {
  at,
  listAt,
  type Props,
  type Resource,
  type Rule,
  refersTo,
  type Stack,
  statementsOf,
  textAt,
} from "./rule.ts";

/** TLS 1.2 or later between any two parties. */

const inTransit = ["SOC 2 CC6.7", "GDPR Art. 32(1)(a)"];

/** The one condition that no request over TLS meets and every other does; a second one would let some of them pass. */
const overPlainText = (condition: unknown): boolean => {
  const [operator, ...others] = Object.entries((condition ?? {}) as Record<string, unknown>);
  const keys = Object.entries((operator?.[1] ?? {}) as Record<string, unknown>);
  return (
    operator?.[0] === "Bool" &&
    others.length === 0 &&
    keys.length === 1 &&
    keys[0]![0] === "aws:SecureTransport" &&
    String(keys[0]![1]) === "false"
  );
};

const everybody = (principal: unknown): boolean =>
  principal === "*" || ["*", JSON.stringify(["*"])].includes(String(at((principal ?? {}) as Props, "AWS")));

/**
 * Whether a resource policy refuses these actions on all of a resource to everybody who comes without TLS.
 * @param parts suffixes of the resource's ARN that have to be named: `""`, and `/*` for what is in a bucket
 */
const refusesPlainText = (
  document: unknown,
  actions: readonly string[],
  target: Resource,
  parts: readonly string[],
): boolean => {
  const refusals = statementsOf(document).filter(
    ({ effect, principal, condition }) => effect === "Deny" && everybody(principal) && overPlainText(condition),
  );
  const covers = (given: readonly string[], wanted: string) => given.includes("*") || given.includes(wanted);
  return actions.every((action) =>
    parts.every((part) =>
      refusals.some(
        (refusal) => covers(refusal.actions, action) && covers(refusal.resources, `${String(target.props.arn)}${part}`),
      ),
    ),
  );
};

interface Guarded {
  readonly name: string;
  /** Subject of the rule's sentence. @example "Every bucket" */
  readonly what: string;
  readonly type: string;
  /** Type of the resource that holds the policy. */
  readonly policy: string;
  /** Argument of the policy that refers to the subject. @example "bucket" */
  readonly link: string;
  /** Actions that the policy has to refuse. */
  readonly actions: readonly string[];
  readonly serves?: readonly string[];
  /** Ends of the ARNs that the refusal has to cover. @example ["", "/*"] */
  readonly parts?: readonly string[];
}

const guarded = ({ name, what, type, policy, link, actions, serves = [], parts = [""] }: Guarded): Rule => ({
  name,
  description: `${what} refuses requests without TLS.`,
  severity: "high",
  remedy: "Attach a policy with the statement of `refusePlainText`.",
  serves: [...serves, ...inTransit],
  subjects: [type],
  evidence: ["arn"],
  wholeStack: true,
  check: (subject: Resource, stack: Stack) =>
    stack
      .of(policy)
      .some((one) => refersTo(one, link, subject) && refusesPlainText(one.props.policy, actions, subject, parts))
      ? undefined
      : "no policy refuses requests without TLS",
});

const distribution = "aws:cloudfront/distribution:Distribution";
const behaviors = ({ props }: Resource) => [
  at(props, "defaultCacheBehavior") as Record<string, unknown>,
  ...listAt(props, "orderedCacheBehaviors"),
];

/** An origin that is a bucket, read under an origin access control. */
const isBucket = (origin: Props): boolean =>
  at(origin, "customOriginConfig") === undefined && at(origin, "originAccessControlId") !== undefined;

export const transport: readonly Rule[] = [
  guarded({
    name: "bucket-tls",
    what: "Every bucket",
    type: "aws:s3/bucket:Bucket",
    policy: "aws:s3/bucketPolicy:BucketPolicy",
    link: "bucket",
    actions: ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    serves: ["FSBP S3.5", "CIS AWS 3.0 2.1.1"],
    parts: ["", "/*"],
  }),
  guarded({
    name: "queue-tls",
    what: "Every queue",
    type: "aws:sqs/queue:Queue",
    policy: "aws:sqs/queuePolicy:QueuePolicy",
    link: "queueUrl",
    actions: ["sqs:ReceiveMessage", "sqs:SendMessage"],
  }),
  guarded({
    name: "topic-tls",
    what: "Every topic",
    type: "aws:sns/topic:Topic",
    policy: "aws:sns/topicPolicy:TopicPolicy",
    link: "arn",
    actions: ["sns:Publish"],
  }),
  {
    name: "subscription-tls",
    description: "What a topic tells, it tells over TLS.",
    severity: "high",
    remedy: "Subscribe an address with `https://`, or by another protocol than `http`.",
    serves: inTransit,
    subjects: ["aws:sns/topicSubscription:TopicSubscription"],
    evidence: ["protocol"],
    check: ({ props }) => (props.protocol === "http" ? "messages leave in the clear" : undefined),
  },
  {
    name: "viewer-tls-1-2",
    description:
      "Callers speak TLS 1.2 or later with the distribution, which takes a name and a certificate of our own.",
    severity: "critical",
    remedy: "Set `triggers:domainName` and `triggers:certificateArn`, and `minimumProtocolVersion` to `TLSv1.2_2025`.",
    serves: ["FSBP CloudFront.3", ...inTransit],
    subjects: [distribution],
    evidence: ["viewerCertificate.minimumProtocolVersion", "aliases"],
    check: ({ props }) =>
      // With its own certificate CloudFront always sets TLSv1, and a certificate of ours is used only with a name of ours.
      /^TLSv1\.(2_20(21|25)|3_2025)$/.test(textAt(props, "viewerCertificate.minimumProtocolVersion")) &&
      at(props, "viewerCertificate.cloudfrontDefaultCertificate") !== true &&
      textAt(props, "viewerCertificate.acmCertificateArn") !== "" &&
      ((at(props, "aliases") as readonly unknown[] | undefined) ?? []).length > 0
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
    description:
      "The distribution speaks TLS 1.2 with its origins and nothing else; with a bucket it speaks as viewers do, by TLS alone.",
    severity: "critical",
    remedy: 'Set `originProtocolPolicy: "https-only"` and `originSslProtocols: ["TLSv1.2"]` on every origin.',
    serves: ["FSBP CloudFront.9", "FSBP CloudFront.10", ...inTransit],
    subjects: [distribution],
    evidence: ["origins"],
    check: ({ props }) => {
      const weak = listAt(props, "origins").filter(
        (origin) =>
          !isBucket(origin) &&
          (at(origin, "customOriginConfig.originProtocolPolicy") !== "https-only" ||
            JSON.stringify(at(origin, "customOriginConfig.originSslProtocols")) !== '["TLSv1.2"]'),
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
      listAt(props, "parameters").some(({ name }) => name === "rds.force_ssl") &&
      listAt(props, "parameters").every(({ name, value }) => name !== "rds.force_ssl" || value === "1")
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
    name: "mail-tls",
    description: "Mail leaves for servers that take it over TLS, and for no others.",
    severity: "high",
    remedy: 'Set `deliveryOptions.tlsPolicy: "REQUIRE"`.',
    serves: inTransit,
    subjects: ["aws:sesv2/configurationSet:ConfigurationSet"],
    evidence: ["deliveryOptions.tlsPolicy"],
    check: ({ props }) =>
      at(props, "deliveryOptions.tlsPolicy") === "REQUIRE" ? undefined : "mail may leave without TLS",
  },
  {
    name: "strict-transport",
    description: "Answers tell browsers to use HTTPS for two years.",
    severity: "low",
    remedy:
      "Set `securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec` to 63072000, and its `override`.",
    serves: inTransit,
    subjects: ["aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"],
    evidence: ["securityHeadersConfig.strictTransportSecurity"],
    check: ({ props }) =>
      Number(at(props, "securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec") ?? 0) >= 63_072_000 &&
      at(props, "securityHeadersConfig.strictTransportSecurity.override") === true
        ? undefined
        : "Strict-Transport-Security is missing or shorter than two years",
  },
];
