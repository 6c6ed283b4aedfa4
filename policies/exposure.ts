import { at, listAt, type Rule, refersTo, statementsOf } from "./rule.ts";

/** Nothing but the distribution can be reached from outside. */

const boundary = ["SOC 2 CC6.6", "GDPR Art. 32(1)(b)"];
const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** What leads out of a network. An internet gateway is absent here: traffic reaches it only by a route. */
const waysOut = [
  "aws:ec2/route:Route",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
  "aws:ec2/vpnGateway:VpnGateway",
  "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
  "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
];

/** What a user pool's password must have, beyond its length. */
const kinds = ["requireLowercase", "requireNumbers", "requireUppercase"];
const LONG = 14;

export const exposure: readonly Rule[] = [
  {
    name: "people-by-invitation",
    description: "Nobody makes an account for themselves, passwords are long, and a second factor is asked for.",
    severity: "high",
    remedy: "Declare user pools through SignIn.",
    serves: ["SOC 2 CC6.1", ...boundary],
    subjects: ["aws:cognito/userPool:UserPool"],
    evidence: ["adminCreateUserConfig", "passwordPolicy", "mfaConfiguration"],
    check: ({ props }) => {
      const weak = [
        ...(at(props, "adminCreateUserConfig.allowAdminCreateUserOnly") === true ? [] : ["everybody may sign up"]),
        ...(Number(at(props, "passwordPolicy.minimumLength") ?? 0) >= LONG &&
        kinds.every((kind) => at(props, `passwordPolicy.${kind}`) === true)
          ? []
          : ["passwords may be weak"]),
        ...(props.mfaConfiguration === "ON" ? [] : ["a second factor is not asked for"]),
      ];
      return weak.length === 0 ? undefined : weak.join(", ");
    },
  },
  {
    name: "people-sign-in-by-code",
    description: "The console signs people in by an authorization code and a secret of its own, and comes back by TLS.",
    severity: "high",
    remedy: "Declare clients of user pools through SignIn.",
    serves: ["SOC 2 CC6.1", ...boundary],
    subjects: ["aws:cognito/userPoolClient:UserPoolClient"],
    evidence: ["generateSecret", "allowedOauthFlows", "explicitAuthFlows", "callbackUrls"],
    check: ({ props }) => {
      const flows = JSON.stringify(props.allowedOauthFlows) === '["code"]';
      const explicit = JSON.stringify(props.explicitAuthFlows) === '["ALLOW_REFRESH_TOKEN_AUTH"]';
      const callbacks = (props.callbackUrls ?? []) as unknown[];
      const back = callbacks.every((url) => typeof url !== "string" || url.startsWith("https://"));
      return props.generateSecret === true && flows && explicit && back ? undefined : "people can sign in otherwise";
    },
  },
  {
    name: "bucket-not-public",
    description: "Every bucket blocks each of the four ways to become public.",
    severity: "critical",
    remedy: "Create buckets through DataBucket, which sets all four blocks.",
    serves: ["FSBP S3.8", "CIS AWS 3.0 2.1.4", ...boundary],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["bucket"],
    wholeStack: true,
    check: (bucket, stack) => {
      const block = stack
        .of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
        .find((one) => refersTo(one, "bucket", bucket));
      if (block === undefined) return "public access is not blocked";
      const open = blocks.filter((name) => block.props[name] !== true);
      return open.length === 0 ? undefined : `not set: ${open.join(", ")}`;
    },
  },
  {
    name: "bucket-without-acls",
    description: "No access list can open a bucket: its owner owns every object.",
    severity: "high",
    remedy: "Create buckets through DataBucket, which sets `objectOwnership` to `BucketOwnerEnforced`.",
    serves: ["FSBP S3.12", ...boundary],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["bucket", "acl", "grants"],
    wholeStack: true,
    check: (bucket, stack) => {
      if (bucket.props.acl !== undefined || listAt(bucket.props, "grants").length > 0)
        return "the bucket has an access list";
      const ownership = stack
        .of("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
        .filter((one) => refersTo(one, "bucket", bucket));
      return ownership.length > 0 &&
        ownership.every(({ props }) => at(props, "rule.objectOwnership") === "BucketOwnerEnforced")
        ? undefined
        : "access lists are still in force";
    },
  },
  {
    name: "function-url-authenticated",
    description: "Every function URL asks for a signature.",
    severity: "critical",
    remedy: 'Set `authorizationType: "AWS_IAM"`.',
    serves: ["FSBP Lambda.1", ...boundary],
    subjects: ["aws:lambda/functionUrl:FunctionUrl"],
    evidence: ["authorizationType"],
    check: ({ props }) => (props.authorizationType === "AWS_IAM" ? undefined : "anybody may call the URL"),
  },
  {
    name: "function-not-public",
    description: "A function lets in one service for one resource, never everybody.",
    severity: "critical",
    remedy: "Name the service in `principal` and the calling resource in `sourceArn`.",
    serves: ["FSBP Lambda.1", ...boundary],
    subjects: ["aws:lambda/permission:Permission"],
    evidence: ["principal", "sourceArn", "functionUrlAuthType"],
    check: ({ props }) => {
      if (!String(props.principal).endsWith(".amazonaws.com")) return "`principal` is not an AWS service";
      if (props.functionUrlAuthType === "NONE") return "anybody may call the URL";
      return /^arn:[^*]+$/.test(String(props.sourceArn)) ? undefined : "`sourceArn` names no single resource";
    },
  },
  {
    name: "socket-authorized",
    description: "An authorizer lets in everybody who opens a socket.",
    severity: "critical",
    remedy: 'Set `authorizationType: "CUSTOM"` and `authorizerId` on the route $connect.',
    serves: ["FSBP APIGateway.8", ...boundary],
    subjects: ["aws:apigatewayv2/route:Route"],
    evidence: ["routeKey", "authorizationType"],
    check: ({ props }) =>
      props.routeKey !== "$connect" || (props.authorizationType === "CUSTOM" && props.authorizerId !== undefined)
        ? undefined
        : "anybody may open a socket",
  },
  {
    name: "database-not-public",
    description: "The database has no public address.",
    severity: "critical",
    remedy: "Set `publiclyAccessible: false`.",
    serves: ["FSBP RDS.2", "CIS AWS 3.0 2.3.3", ...boundary],
    subjects: ["aws:rds/instance:Instance"],
    evidence: ["publiclyAccessible"],
    check: ({ props }) => (props.publiclyAccessible === false ? undefined : "the database may have a public address"),
  },
  {
    name: "security-group-narrow",
    description: "A security group lets in other groups only, on one port.",
    severity: "critical",
    remedy: "Use `Network.letIn`, which names the group and one port.",
    serves: ["FSBP EC2.18", "FSBP EC2.19", "CIS AWS 3.0 5.2", ...boundary],
    subjects: ["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"],
    evidence: ["referencedSecurityGroupId", "ipProtocol", "fromPort", "toPort"],
    check: ({ props }) => {
      if (["cidrIpv4", "cidrIpv6", "prefixListId"].some((argument) => props[argument] !== undefined))
        return "the rule lets in addresses";
      return props.ipProtocol === "tcp" && typeof props.fromPort === "number" && props.fromPort === props.toPort
        ? undefined
        : "the rule opens more than one port";
    },
  },
  {
    name: "security-group-contained",
    description: "Nothing in the network can open connections to the internet.",
    severity: "high",
    remedy: "Let traffic out to a security group or a prefix list, never to addresses.",
    serves: boundary,
    subjects: ["aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"],
    evidence: ["referencedSecurityGroupId", "prefixListId", "cidrIpv4", "cidrIpv6"],
    check: ({ props }) =>
      props.cidrIpv4 === undefined && props.cidrIpv6 === undefined
        ? undefined
        : "the rule lets traffic out to addresses",
  },
  {
    name: "security-group-without-inline-rules",
    description: "Rules of security groups are resources of their own, so that other policies see them.",
    severity: "medium",
    remedy: "Move `ingress` and `egress` to SecurityGroupIngressRule and SecurityGroupEgressRule.",
    serves: boundary,
    subjects: ["aws:ec2/securityGroup:SecurityGroup"],
    evidence: ["ingress", "egress"],
    check: ({ props }) =>
      listAt(props, "ingress").length + listAt(props, "egress").length === 0
        ? undefined
        : "the group has rules of its own",
  },
  {
    name: "default-group-closed",
    description: "The network's default security group lets nothing in or out.",
    severity: "high",
    remedy: "Leave `ingress` and `egress` of DefaultSecurityGroup empty.",
    serves: ["FSBP EC2.2", "CIS AWS 3.0 5.4", ...boundary],
    subjects: ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
    evidence: ["ingress", "egress"],
    check: ({ props }) =>
      listAt(props, "ingress").length + listAt(props, "egress").length === 0
        ? undefined
        : "the default group has rules",
  },
  {
    name: "network-without-way-out",
    description: "The network has neither a route nor a gateway that leads out of it.",
    severity: "high",
    remedy: "Use isolated subnets only, with `natGateways.strategy` set to `None`.",
    serves: boundary,
    subjects: ["aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc"],
    evidence: ["cidrBlock"],
    wholeStack: true,
    check: (_, stack) => {
      const found = waysOut.flatMap((type) => stack.of(type).map(({ name }) => `${type.split(":").at(-1)} ${name}`));
      return found.length === 0 ? undefined : `ways out: ${found.join(", ")}`;
    },
  },
  {
    name: "network-tables-without-way-out",
    description: "No route table has routes of its own: each route is a resource, so that other policies see it.",
    severity: "high",
    remedy: "Remove `routes`: what stands in the network reaches AWS through endpoints.",
    serves: boundary,
    subjects: ["aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable"],
    evidence: ["routes", "propagatingVgws"],
    check: ({ props }) =>
      listAt(props, "routes").length + listAt(props, "propagatingVgws").length === 0
        ? undefined
        : "the table has routes of its own",
  },
  {
    name: "subnet-without-public-addresses",
    description: "No subnet gives what starts in it a public address.",
    severity: "high",
    remedy: "Set the type of every member of `subnetSpecs` to `Isolated`.",
    serves: ["FSBP EC2.15", ...boundary],
    subjects: ["aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet"],
    evidence: ["mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"],
    check: ({ props }) =>
      props.mapPublicIpOnLaunch === true || props.assignIpv6AddressOnCreation === true
        ? "what starts in the subnet gets a public address"
        : undefined,
  },
  {
    name: "resource-policy-not-public",
    description: "No resource policy allows anything to everybody.",
    severity: "critical",
    remedy: "Name a service or role in `Principal`, limited to this account.",
    serves: ["FSBP SQS.3", "FSBP S3.6", ...boundary],
    subjects: [
      "aws:backup/vaultPolicy:VaultPolicy",
      "aws:dynamodb/resourcePolicy:ResourcePolicy",
      "aws:kms/key:Key",
      "aws:kms/replicaKey:ReplicaKey",
      "aws:s3/bucket:Bucket",
      "aws:s3/bucketPolicy:BucketPolicy",
      "aws:secretsmanager/secret:Secret",
      "aws:secretsmanager/secretPolicy:SecretPolicy",
      "aws:sns/topic:Topic",
      "aws:sns/topicPolicy:TopicPolicy",
      "aws:sqs/queue:Queue",
      "aws:sqs/queuePolicy:QueuePolicy",
    ],
    evidence: ["policy"],
    check: ({ props }) =>
      statementsOf(props.policy).some(
        ({ effect, principal, notPrincipal }) =>
          effect === "Allow" && (notPrincipal !== undefined || JSON.stringify(principal ?? "").includes('"*"')),
      )
        ? "a statement allows everybody"
        : undefined,
  },
  {
    name: "proxy-asks-for-identity",
    description: "The proxy before PostgreSQL lets in roles by IAM, never a password.",
    severity: "critical",
    remedy: 'Set `iamAuth: "REQUIRED"` on every member of `auths`.',
    serves: ["FSBP RDS.10", ...boundary],
    subjects: ["aws:rds/proxy:Proxy"],
    evidence: ["auths", "defaultAuthScheme"],
    check: ({ props }) => {
      const auths = listAt(props, "auths");
      const byIam = auths.length > 0 && auths.every(({ iamAuth }) => iamAuth === "REQUIRED");
      return byIam || (auths.length === 0 && props.defaultAuthScheme === "IAM_AUTH")
        ? undefined
        : "a password is enough to connect";
    },
  },
  {
    name: "cache-asks-for-token",
    description: "The cache answers only those who know its token.",
    severity: "high",
    remedy: "Set `authToken`, and no `authTokenUpdateStrategy` that takes it away.",
    serves: ["FSBP ElastiCache.6", ...boundary],
    subjects: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    // The token itself is no evidence to be shown.
    evidence: ["authTokenUpdateStrategy", "transitEncryptionEnabled"],
    check: ({ props }) =>
      String(props.authToken ?? "").length >= 16 && props.authTokenUpdateStrategy !== "DELETE"
        ? undefined
        : "anybody in the network may use the cache",
  },
  {
    name: "webhooks-never-loopback",
    description: "No function may post to addresses of its own machine.",
    severity: "critical",
    remedy: "Remove `allowLoopbackWebhooks` from the stack file.",
    serves: boundary,
    subjects: ["aws:lambda/function:Function"],
    evidence: ["environment.variables.ALLOW_LOOPBACK_WEBHOOKS"],
    check: ({ props }) =>
      at(props, "environment.variables.ALLOW_LOOPBACK_WEBHOOKS") === "true"
        ? "webhooks may point at the function itself"
        : undefined,
  },
];
