import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { EdgeConfig } from "../../runtime/edge/config.ts";
import type { KeyDirectory } from "../platform/keyDirectory.ts";
import { EDGE_REGION } from "../stack/settings.ts";
import { bundle } from "./bundle.ts";
import { EncryptionKey, forLogGroups } from "./encryptionKey.ts";
import { policyOf, toUseLogKey, trustOf } from "./permissions.ts";

// Invariant: Lambda@Edge takes neither environment variables, nor a network, nor a key for its code. All its settings are in its
// archive, so a change of settings is a new version. Replicas outlive the stack by hours, hence `skipDestroy`.

export interface EdgeAuthenticatorArgs {
  /** The region of the primary key directory. */
  readonly region: string;
  readonly keys: KeyDirectory;
  /** Regions whose log groups are declared, with a key and a retention; in any other AWS makes one, without either, when it first runs there. */
  readonly logRegions: readonly string[];
  readonly logRetentionDays: number;
  readonly protect: boolean;
}

/** The Lambda@Edge function that tells who calls before a request reaches a region. */
export class EdgeAuthenticator extends pulumi.ComponentResource {
  readonly function: aws.lambda.Function;
  /** Its log groups by region. A distribution that sends it requests depends on them; otherwise AWS creates them first. */
  readonly logGroups: readonly aws.cloudwatch.LogGroup[];

  constructor(name: string, args: EdgeAuthenticatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EdgeAuthenticator", name, {}, opts);
    const own = { parent: this };
    const { keys, region } = args;
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    const everywhere = (arn: pulumi.Output<string>) =>
      keys.regions.map((other) => arn.apply((text) => text.replace(`:${region}:`, `:${other}:`)));
    const keyArns = (key: KeyDirectory["tableKey"]) => [key.arn, ...Object.values(key.replicaArns)];
    const role = new aws.iam.Role(
      `${name}-role`,
      {
        description: `What ${name} may do`,
        assumeRolePolicy: trustOf("edgelambda.amazonaws.com", "lambda.amazonaws.com"),
      },
      own,
    );
    const [first, ...others] = args.logRegions;
    const logKey =
      first === undefined
        ? undefined
        : new EncryptionKey(
            `${name}-logs`,
            {
              purpose: "Logs of the function at the edge",
              region: first,
              replicaRegions: others,
              services: args.logRegions.map(forLogGroups),
              protect: args.protect,
            },
            own,
          );
    const logKeyOf = (where: string) => (where === first ? logKey!.arn : logKey!.replicaArns[where]!);
    const policy = new aws.iam.RolePolicy(
      `${name}-policy`,
      {
        role: role.name,
        policy: policyOf([
          { actions: ["dynamodb:GetItem"], resources: everywhere(keys.table.table.arn) },
          {
            // Notes of a key's use have items of their own: the edge can't write what says who may do what.
            actions: ["dynamodb:UpdateItem"],
            resources: everywhere(keys.table.table.arn),
            conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "*#used" } },
          },
          { actions: ["secretsmanager:GetSecretValue"], resources: everywhere(keys.pepper.secret.arn) },
          { actions: ["kms:Decrypt"], resources: [...keyArns(keys.tableKey), ...keyArns(keys.pepperKey)] },
          {
            // It logs in whichever region it runs, to groups that AWS names and makes.
            actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            resources: [pulumi.interpolate`arn:aws:logs:*:${account}:log-group:/aws/lambda/${EDGE_REGION}.*`],
          },
          ...args.logRegions.map((where) => toUseLogKey(logKeyOf(where), where)),
        ]),
      },
      own,
    );
    const built = bundle("runtime/edge/handler.ts");
    const config = pulumi.all([keys.table.table.name, keys.pepper.secret.arn]).apply(
      ([table, pepper]): EdgeConfig => ({
        keys_table: table,
        keys_regions: keys.regions,
        // A replica has the ARN of its own region, so the edge is told the name, which is the same everywhere.
        pepper_secret: pepper.split(":secret:")[1]!.replace(/-[A-Za-z0-9]{6}$/, ""),
      }),
    );
    this.function = new aws.lambda.Function(
      name,
      {
        region: EDGE_REGION,
        runtime: "nodejs24.x",
        architectures: ["x86_64"],
        handler: "index.handler",
        code: config.apply(
          (settings) =>
            new pulumi.asset.AssetArchive({
              "index.mjs": new pulumi.asset.FileAsset(built.code),
              "config.json": new pulumi.asset.StringAsset(JSON.stringify(settings)),
            }),
        ),
        role: role.arn,
        memorySize: 512,
        timeout: 10,
        loggingConfig: { logFormat: "JSON", systemLogLevel: "WARN" },
        publish: true,
        skipDestroy: true,
      },
      { ...own, dependsOn: [policy] },
    );
    this.logGroups = args.logRegions.map(
      (where) =>
        new aws.cloudwatch.LogGroup(
          `${name}-logs-${where}`,
          {
            region: where,
            name: pulumi.interpolate`/aws/lambda/${EDGE_REGION}.${this.function.name}`,
            kmsKeyId: logKeyOf(where),
            retentionInDays: args.logRetentionDays,
          },
          own,
        ),
    );
    this.registerOutputs({ arn: this.function.qualifiedArn });
  }
}
