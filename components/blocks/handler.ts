import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import { bundle } from "./bundle.ts";
import { type Permission, policyOf, toWriteLogs, trustOf } from "./permissions.ts";

// Invariant: a function has a role of its own, and the role may do what `permissions` names, write to the function's own
// log group, be traced, and nothing else.

/** What every function of the platform shares. */
export interface HandlerDefaults {
  readonly region: string;
  /** ARN of the key that encrypts log groups and environments. */
  readonly keyArn: pulumi.Input<string>;
  /** Days that logs are kept. */
  readonly logRetentionDays: number;
  /** Environments that Lambda keeps for a function and that it never exceeds, by its name; any other has its part of what all share. */
  readonly reserved: Readonly<Record<string, number | undefined>>;
  /** Traffic goes to an alias that CodeDeploy moves from version to version. */
  readonly gradual: boolean;
}

/** Where a function that reaches PostgreSQL or the cache stands in the private network. */
export interface HandlerNetwork {
  readonly subnetIds: pulumi.Input<string[]>;
  readonly securityGroupIds: readonly pulumi.Input<string>[];
}

export interface HandlerArgs<Variables extends Readonly<Record<string, string>>> {
  readonly defaults: HandlerDefaults;
  /** Path of the entry file from the project's root, whose export `handler` runs. @example "runtime/route/handler.ts" */
  readonly entry: string;
  /** Exactly the variables that the entry reads. */
  readonly environment: { readonly [Name in keyof Variables]: pulumi.Input<string> };
  readonly permissions: readonly Permission[];
  /** Files that the code needs beside the bundle, by their path in the archive. @default none */
  readonly files?: Readonly<Record<string, string>>;
  /** Memory in MB, 128 to 10,240; processor time grows with it. @default 512 */
  readonly memoryMb?: number;
  /** Longest run in seconds, 1 to 900. @default 30 */
  readonly timeoutSeconds?: number;
  /** Private network to run in; only functions inside it reach the database and Redis. @default outside it */
  readonly network?: HandlerNetwork;
  /** Environments kept warm. @default 0 */
  readonly provisionedConcurrency?: number;
}

/** Memory, timeout and the rest, checked. @throws RangeError naming the value and its range */
export function normaliseHandler(args: {
  memoryMb?: number | undefined;
  timeoutSeconds?: number | undefined;
  provisionedConcurrency?: number | undefined;
  environment: object;
}) {
  const { memoryMb = 512, timeoutSeconds = 30, provisionedConcurrency = 0 } = args;
  const within = (what: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new RangeError(`${what} is ${value}, not a whole number from ${least} to ${most}`);
  };
  within("memoryMb", memoryMb, 128, 10_240);
  within("timeoutSeconds", timeoutSeconds, 1, 900);
  within("provisionedConcurrency", provisionedConcurrency, 0, 10_000);
  const reserved = Object.keys(args.environment).filter((name) => /^(AWS_|LAMBDA_|NODE_OPTIONS$)/.test(name));
  if (reserved.length > 0) throw new RangeError(`${reserved.join(", ")}: names that the platform itself sets`);
  return { memoryMb, timeoutSeconds, provisionedConcurrency };
}

/** AWS lets none of these be narrowed below the region. Source: Service Authorization Reference, X-Ray and EC2. */
const tracing: Permission = { actions: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources: ["*"] };
const networkInterfaces: Permission = {
  actions: [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ],
  resources: ["*"],
};

/** A Lambda function: one bundled entry, a role of its own, an encrypted log group. */
export class Handler<Variables extends Readonly<Record<string, string>>> extends pulumi.ComponentResource {
  readonly function: aws.lambda.Function;
  readonly logGroup: aws.cloudwatch.LogGroup;
  /** What callers invoke and queues feed: the alias where deployments are gradual, the function itself otherwise. */
  readonly target: aws.lambda.Alias | aws.lambda.Function;
  /** Name of the alias; undefined without one. */
  readonly qualifier: pulumi.Output<string> | undefined;
  readonly timeoutSeconds: number;
  readonly permissions: readonly Permission[];
  /** SHA-256 of the code. */
  readonly codeHash: string;

  constructor(name: string, args: HandlerArgs<Variables>, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Handler", name, {}, opts);
    const { memoryMb, timeoutSeconds, provisionedConcurrency } = normaliseHandler(args);
    const own = { parent: this };
    const built = bundle(args.entry);
    const reserved = args.defaults.reserved[name];
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-logs`,
      { kmsKeyId: args.defaults.keyArn, retentionInDays: args.defaults.logRetentionDays },
      own,
    );
    const role = new aws.iam.Role(
      `${name}-role`,
      { description: `What ${name} may do`, assumeRolePolicy: trustOf("lambda.amazonaws.com") },
      own,
    );
    const policy = new aws.iam.RolePolicy(
      `${name}-policy`,
      {
        role: role.name,
        policy: policyOf([
          ...args.permissions,
          ...toWriteLogs(pulumi.interpolate`${logs.arn}:*`, args.defaults.keyArn, args.defaults.region),
          { actions: ["kms:Decrypt"], resources: [args.defaults.keyArn] },
          tracing,
          ...(args.network === undefined ? [] : [networkInterfaces]),
        ]),
      },
      own,
    );
    this.function = new aws.lambda.Function(
      name,
      {
        runtime: "nodejs24.x",
        architectures: ["arm64"],
        handler: "index.handler",
        code: new pulumi.asset.AssetArchive({
          "index.mjs": new pulumi.asset.FileAsset(built.code),
          "index.mjs.map": new pulumi.asset.FileAsset(built.map),
          ...Object.fromEntries(
            Object.entries(args.files ?? {}).map(([name, path]) => [name, new pulumi.asset.FileAsset(path)]),
          ),
        }),
        role: role.arn,
        memorySize: memoryMb,
        timeout: timeoutSeconds,
        environment: {
          // Stack traces in logs point at our sources, not into the bundle.
          variables: { ...args.environment, NODE_OPTIONS: "--enable-source-maps" },
        },
        kmsKeyArn: args.defaults.keyArn,
        // What Lambda says of each run that went well would be most of the log: durations and errors are metrics.
        loggingConfig: { logFormat: "JSON", logGroup: logs.name, systemLogLevel: "WARN" },
        tracingConfig: { mode: "Active" },
        publish: args.defaults.gradual,
        ...defined({
          reservedConcurrentExecutions: reserved,
          vpcConfig: mapDefined(args.network, (network) => ({
            subnetIds: network.subnetIds,
            securityGroupIds: [...network.securityGroupIds],
          })),
        }),
      },
      // A function that runs before its role may do its work fails its first calls.
      { ...own, dependsOn: [policy] },
    );
    this.logGroup = logs;
    this.timeoutSeconds = timeoutSeconds;
    this.permissions = args.permissions;
    this.codeHash = built.hash;
    const alias = args.defaults.gradual ? this.alias(name, provisionedConcurrency) : undefined;
    this.target = alias ?? this.function;
    this.qualifier = alias?.name;
    this.registerOutputs({ name: this.function.name, arn: this.function.arn });
  }

  /** Calling this function and waiting for its answer. */
  toInvoke(): Permission {
    return { actions: ["lambda:InvokeFunction"], resources: [this.target.arn] };
  }

  /** Whether its role may do this to just this resource. */
  mayDo(action: string, arn: pulumi.Output<string>): boolean {
    return this.permissions.some(({ actions, resources }) => actions.includes(action) && resources.includes(arn));
  }

  private alias(name: string, warm: number): aws.lambda.Alias {
    const own = { parent: this };
    const alias = new aws.lambda.Alias(
      `${name}-live`,
      { name: "live", functionName: this.function.name, functionVersion: this.function.version },
      // CodeDeploy moves it from here on.
      { ...own, ignoreChanges: ["functionVersion", "routingConfig"] },
    );
    if (warm > 0) {
      new aws.lambda.ProvisionedConcurrencyConfig(
        `${name}-warm`,
        { functionName: this.function.name, qualifier: alias.name, provisionedConcurrentExecutions: warm },
        own,
      );
    }
    return alias;
  }
}
