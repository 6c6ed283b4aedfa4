import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { EncryptionKey } from "./encryptionKey.ts";
import type { Handler } from "./handler.ts";
import { policyOf, trustOf } from "./permissions.ts";

export interface EverySoOftenArgs {
  readonly handler: Pick<Handler<Readonly<Record<string, string>>>, "target" | "toInvoke">;
  /** As EventBridge Scheduler writes it. @example "rate(1 minute)" */
  readonly rate: string;
  /** What the function is invoked with. @default {} */
  readonly input?: Readonly<Record<string, unknown>>;
  readonly region: string;
  /** Dead-letter queue for runs that could not be started, and the key that encrypts it. */
  readonly dead: aws.sqs.Queue;
  readonly key: EncryptionKey;
}

/** Invokes a function on a schedule. */
export class EverySoOften extends pulumi.ComponentResource {
  constructor(name: string, args: EverySoOftenArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EverySoOften", name, {}, opts);
    const own = { parent: this };
    const role = new aws.iam.Role(
      `${name}-schedule-role`,
      { description: `Starts ${name} on schedule`, assumeRolePolicy: trustOf("scheduler.amazonaws.com") },
      own,
    );
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    const policy = new aws.iam.RolePolicy(
      `${name}-schedule-policy`,
      {
        role: role.name,
        policy: policyOf([
          args.handler.toInvoke(),
          { actions: ["sqs:SendMessage"], resources: [args.dead.arn] },
          args.key.toEncrypt("sqs", args.region),
          // EventBridge Scheduler reads the input of a schedule directly in the role's name: runs start only with this
          // permission. Source: EventBridge Scheduler User Guide, "Encryption at rest". Pulumi adds to the name behind it, and
          // before it where `pulumi:autonaming` says so (docs/deploy.md).
          {
            actions: ["kms:Decrypt"],
            resources: [args.key.arn],
            conditions: {
              ArnLike: {
                "kms:EncryptionContext:aws:scheduler:schedule:arn": pulumi.interpolate`arn:aws:scheduler:${args.region}:${account}:schedule/default/*${name}-schedule*`,
              },
            },
          },
        ]),
      },
      own,
    );
    new aws.scheduler.Schedule(
      `${name}-schedule`,
      {
        scheduleExpression: args.rate,
        flexibleTimeWindow: { mode: "OFF" },
        kmsKeyArn: args.key.arn,
        target: {
          arn: args.handler.target.arn,
          roleArn: role.arn,
          input: JSON.stringify(args.input ?? {}),
          deadLetterConfig: { arn: args.dead.arn },
          retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 1 },
        },
      },
      { ...own, dependsOn: [policy] },
    );
    this.registerOutputs();
  }
}
