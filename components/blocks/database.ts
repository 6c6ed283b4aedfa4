import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EncryptionKey } from "./encryptionKey.ts";
import type { HandlerDefaults, HandlerNetwork } from "./handler.ts";
import type { Network } from "./network.ts";
import { type Permission, policyOf, trustOf } from "./permissions.ts";

// Invariant: PostgreSQL speaks TLS only, answers the proxy only, and the proxy answers roles, never passwords. RDS makes, keeps
// and rotates the master password: it never reaches a function or a state file.

export interface DatabaseArgs {
  readonly network: Network;
  readonly instanceClass: string;
  /** GiB to start with; grows by itself up to ten times that. */
  readonly storageGb: number;
  readonly backupDays: number;
  /** Key and retention of its logs. */
  readonly logs: Pick<HandlerDefaults, "keyArn" | "logRetentionDays">;
  readonly multiAz: boolean;
  /** A last snapshot when the instance is deleted. */
  readonly finalSnapshot: boolean;
  readonly protect: boolean;
}

const USER = "triggers";
const DATABASE = "triggers";
const PORT = 5432;

/** PostgreSQL with a proxy before it. */
export class Database extends pulumi.ComponentResource {
  readonly instance: aws.rds.Instance;
  readonly proxy: aws.rds.Proxy;
  /** What a function needs to know, by variable. */
  readonly variables: Readonly<
    Record<"DATABASE_HOST" | "DATABASE_PORT" | "DATABASE_NAME" | "DATABASE_USER", pulumi.Output<string>>
  >;
  /** Where a function has to stand to reach the proxy. */
  readonly reach: HandlerNetwork;
  /** Becoming the database user through the proxy. */
  readonly toConnect: Permission;
  /** What has to exist before a connection can succeed. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Database", name, {}, opts);
    const own = { parent: this };
    const key = new EncryptionKey(name, { purpose: "PostgreSQL: storage and insights", protect: args.protect }, own);
    const passwordKey = new EncryptionKey(
      `${name}-password`,
      { purpose: "The master password of PostgreSQL", protect: args.protect },
      own,
    );
    const { network } = args;
    const inner = network.group(name, "PostgreSQL", this);
    const front = network.group(`${name}-proxy`, "RDS Proxy before PostgreSQL", this);
    network.letIn("functions-to-proxy", front.id, PORT, this);
    const rule = { ipProtocol: "tcp", fromPort: PORT, toPort: PORT, description: "proxy to PostgreSQL" };
    new aws.vpc.SecurityGroupEgressRule(
      "proxy-to-database",
      { ...rule, securityGroupId: front.id, referencedSecurityGroupId: inner.id },
      own,
    );
    new aws.vpc.SecurityGroupIngressRule(
      "proxy-to-database",
      { ...rule, securityGroupId: inner.id, referencedSecurityGroupId: front.id },
      own,
    );

    const subnets = new aws.rds.SubnetGroup(`${name}-subnets`, { subnetIds: network.subnetIds }, own);
    const parameters = new aws.rds.ParameterGroup(
      `${name}-parameters`,
      {
        family: "postgres17",
        parameters: [
          { name: "rds.force_ssl", value: "1" },
          { name: "log_connections", value: "1" },
          { name: "log_disconnections", value: "1" },
          { name: "log_min_duration_statement", value: "1000" },
        ],
      },
      own,
    );
    // RDS makes missing log groups of a new instance by itself, with neither key nor retention. They are made here before it,
    // which needs a name of the instance that is known beforehand.
    const identifier = `${pulumi.getProject()}-${pulumi.getStack()}-${name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const exported = ["postgresql", "upgrade"];
    const logGroups = exported.map(
      (log) =>
        new aws.cloudwatch.LogGroup(
          `${name}-logs-${log}`,
          {
            name: `/aws/rds/instance/${identifier}/${log}`,
            kmsKeyId: args.logs.keyArn,
            retentionInDays: args.logs.logRetentionDays,
          },
          own,
        ),
    );
    this.instance = new aws.rds.Instance(
      `${name}-instance`,
      {
        identifier,
        engine: "postgres",
        engineVersion: "17",
        instanceClass: args.instanceClass,
        allocatedStorage: args.storageGb,
        maxAllocatedStorage: Math.min(65_536, args.storageGb * 10),
        storageType: "gp3",
        storageEncrypted: true,
        kmsKeyId: key.arn,
        dbName: DATABASE,
        username: USER,
        manageMasterUserPassword: true,
        masterUserSecretKmsKeyId: passwordKey.arn,
        iamDatabaseAuthenticationEnabled: true,
        caCertIdentifier: "rds-ca-rsa2048-g1",
        parameterGroupName: parameters.name,
        dbSubnetGroupName: subnets.name,
        vpcSecurityGroupIds: [inner.id],
        publiclyAccessible: false,
        multiAz: args.multiAz,
        autoMinorVersionUpgrade: true,
        backupRetentionPeriod: args.backupDays,
        // Apart from each other and from AWS Backup's, at 04:00: in its own windows RDS refuses a snapshot.
        backupWindow: "01:30-02:30",
        maintenanceWindow: "sun:02:30-sun:03:30",
        copyTagsToSnapshot: true,
        deletionProtection: args.protect,
        skipFinalSnapshot: !args.finalSnapshot,
        ...(args.finalSnapshot ? { finalSnapshotIdentifier: `${pulumi.getProject()}-${pulumi.getStack()}-final` } : {}),
        performanceInsightsEnabled: true,
        performanceInsightsKmsKeyId: key.arn,
        enabledCloudwatchLogsExports: exported,
      },
      { ...own, protect: args.protect, dependsOn: logGroups },
    );

    const secretArn = this.instance.masterUserSecrets.apply((secrets) => secrets[0]!.secretArn);
    const role = new aws.iam.Role(
      `${name}-proxy-role`,
      { description: "What the proxy may do", assumeRolePolicy: trustOf("rds.amazonaws.com") },
      own,
    );
    const policy = new aws.iam.RolePolicy(
      `${name}-proxy-policy`,
      {
        role: role.name,
        policy: policyOf([
          { actions: ["secretsmanager:GetSecretValue"], resources: [secretArn] },
          { actions: ["kms:Decrypt"], resources: [passwordKey.arn] },
        ]),
      },
      own,
    );
    this.proxy = new aws.rds.Proxy(
      `${name}-proxy`,
      {
        engineFamily: "POSTGRESQL",
        requireTls: true,
        roleArn: role.arn,
        // A proxy is replaced, address and all, when its subnets change.
        vpcSubnetIds: network.twoSubnetIds,
        vpcSecurityGroupIds: [front.id],
        idleClientTimeout: 900,
        auths: [
          {
            authScheme: "SECRETS",
            iamAuth: "REQUIRED",
            clientPasswordAuthType: "POSTGRES_SCRAM_SHA_256",
            secretArn,
          },
        ],
      },
      // A proxy that can't read its secret yet answers every connection with a failed sign-in.
      { ...own, dependsOn: [policy] },
    );
    const { proxy } = this;
    const targets = new aws.rds.ProxyDefaultTargetGroup(
      `${name}-targets`,
      { dbProxyName: proxy.name, connectionPoolConfig: { maxConnectionsPercent: 90, connectionBorrowTimeout: 10 } },
      own,
    );
    this.ready = new aws.rds.ProxyTarget(
      `${name}-target`,
      { dbProxyName: proxy.name, targetGroupName: targets.name, dbInstanceIdentifier: this.instance.identifier },
      own,
    );
    this.variables = {
      DATABASE_HOST: proxy.endpoint,
      DATABASE_PORT: this.instance.port.apply(String),
      DATABASE_NAME: pulumi.output(DATABASE),
      DATABASE_USER: pulumi.output(USER),
    };
    this.reach = network.reach;
    // The proxy's resource id (`prx-…`) is the last part of its ARN; connecting is granted per user of it.
    const connect = proxy.arn.apply((arn) => {
      const [, partition, , region, account] = arn.split(":");
      return `arn:${partition}:rds-db:${region}:${account}:dbuser:${arn.split(":").at(-1)}/${USER}`;
    });
    this.toConnect = { actions: ["rds-db:connect"], resources: [connect] };
    this.registerOutputs({ endpoint: proxy.endpoint });
  }
}
