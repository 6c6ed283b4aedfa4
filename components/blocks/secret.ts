import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { EncryptionKey } from "./encryptionKey.ts";
import type { Permission } from "./permissions.ts";

export interface SecretArgs {
  /** What it is for, for the person who reads the console. */
  readonly description: string;
  readonly key: EncryptionKey;
  readonly region: string;
  /** Other regions with a copy; `key` must have a replica in each. @default none */
  readonly replicaRegions?: readonly string[];
}

/** A secret in Secrets Manager. Its value is written at run time, outside the program, which keeps it out of Pulumi's state. */
export class Secret extends pulumi.ComponentResource {
  readonly secret: aws.secretsmanager.Secret;
  private readonly args: SecretArgs;

  constructor(name: string, args: SecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Secret", name, {}, opts);
    this.args = args;
    this.secret = new aws.secretsmanager.Secret(
      `${name}-secret`,
      {
        description: args.description,
        kmsKeyId: args.key.arn,
        recoveryWindowInDays: 30,
        replicas: (args.replicaRegions ?? []).map((region) => ({ region, kmsKeyId: args.key.replicaArns[region]! })),
      },
      // Losing its value would make all API keys and cursors unreadable, so it is protected like the key of its data.
      { parent: this, protect: args.key.protect },
    );
    this.registerOutputs({ arn: this.secret.arn });
  }

  /** Reading its value. */
  toRead(): Permission[] {
    return [
      { actions: ["secretsmanager:GetSecretValue"], resources: [this.secret.arn] },
      this.args.key.toDecrypt("secretsmanager", this.args.region),
    ];
  }

  /** Writing a new value. */
  toWrite(): Permission[] {
    return [
      { actions: ["secretsmanager:PutSecretValue"], resources: [this.secret.arn] },
      this.args.key.toEncrypt("secretsmanager", this.args.region),
    ];
  }
}
