import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined } from "../../runtime/domain/defined.ts";
import { EVERY_USE_OF_A_KEY, type Permission, through } from "./permissions.ts";

// Invariant: one key per purpose, so that withdrawing a key makes exactly one kind of data unreadable. The key's policy
// lets the account delegate by IAM and lets each named service in only for this account; nobody else is in it.

const administration = [
  "kms:CancelKeyDeletion",
  "kms:CreateAlias",
  "kms:CreateGrant",
  "kms:Decrypt",
  "kms:DeleteAlias",
  "kms:DescribeKey",
  "kms:DisableKey",
  "kms:DisableKeyRotation",
  "kms:EnableKey",
  "kms:EnableKeyRotation",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:GetKeyPolicy",
  "kms:GetKeyRotationStatus",
  "kms:ListAliases",
  "kms:ListGrants",
  "kms:ListKeyPolicies",
  "kms:ListKeyRotations",
  "kms:ListResourceTags",
  "kms:PutKeyPolicy",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
  "kms:ReplicateKey",
  "kms:RetireGrant",
  "kms:RevokeGrant",
  "kms:RotateKeyOnDemand",
  "kms:ScheduleKeyDeletion",
  // KMS itself keeps replicas in step, by a role of the account.
  "kms:SynchronizeMultiRegionKey",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:UpdateAlias",
  "kms:UpdateKeyDescription",
  "kms:UpdatePrimaryRegion",
] as const;

/** An AWS service that uses a key in its own name, and how the key tells that it does so for this account. */
export interface KeyService {
  /** Its principal. @example "budgets.amazonaws.com" */
  readonly principal: string;
  /** IAM condition block. */
  onlyFor(account: pulumi.Input<string>): object;
}

/** A service that says for which account it comes. Source: SNS Developer Guide, "Encrypting an SNS topic", event sources. */
export const forAccount = (principal: string): KeyService => ({
  principal,
  onlyFor: (account) => ({ StringEquals: { "aws:SourceAccount": account } }),
});

/**
 * CloudWatch Logs says for which log group it comes, by the encryption context and by nothing else. Source: CloudWatch Logs User
 * Guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
 */
export const forLogGroups = (region: string): KeyService => ({
  principal: `logs.${region}.amazonaws.com`,
  onlyFor: (account) => ({
    ArnLike: { "kms:EncryptionContext:aws:logs:arn": pulumi.interpolate`arn:aws:logs:${region}:${account}:*` },
  }),
});

/**
 * CloudFront, which reads what its distributions serve and says which of them asks. Source: CloudFront Developer Guide, "Restrict access to an
 * Amazon S3 origin", SSE-KMS.
 */
export const forDistributions: KeyService = {
  principal: "cloudfront.amazonaws.com",
  onlyFor: (account) => ({
    ArnLike: { "aws:SourceArn": pulumi.interpolate`arn:aws:cloudfront::${account}:distribution/*` },
  }),
};

export interface EncryptionKeyArgs {
  /** What it encrypts, for the person who reads the console. */
  readonly purpose: string;
  /** AWS services that use the key in their own name. @default none @example [forLogGroups("eu-west-1")] */
  readonly services?: readonly KeyService[];
  /**
   * Other regions that hold a replica of the key. A list, even an empty one, makes a multi-Region key, which can get replicas
   * later. A key without the list never can: it would have to be replaced while data is encrypted by it. @default a key of one region
   */
  readonly replicaRegions?: readonly string[];
  /** Region of the key. @default the stack's */
  readonly region?: string;
  /** Refuse deletion. */
  readonly protect: boolean;
}

/** A customer-managed KMS key with yearly rotation, and its replicas. */
export class EncryptionKey extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
  /** ARN of the key in each replica region. */
  readonly replicaArns: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(name: string, args: EncryptionKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EncryptionKey", name, {}, opts);
    const own = { parent: this, protect: args.protect };
    const { replicaRegions = [], services = [] } = args;
    const where = defined({ region: args.region });
    const account = aws.getCallerIdentityOutput({}, { parent: this }).accountId;
    const policy = pulumi.jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AccountDelegatesByIam",
          Effect: "Allow",
          Principal: { AWS: pulumi.interpolate`arn:aws:iam::${account}:root` },
          Action: administration,
          Resource: "*",
        },
        ...services.map(({ principal, onlyFor }) => ({
          Sid: `Service${principal.replace(/[^A-Za-z0-9]/g, "")}`,
          Effect: "Allow",
          Principal: { Service: principal },
          Action: EVERY_USE_OF_A_KEY,
          Resource: "*",
          Condition: onlyFor(account),
        })),
      ],
    });
    const key = new aws.kms.Key(
      `${name}-key`,
      {
        ...where,
        description: args.purpose,
        enableKeyRotation: true,
        deletionWindowInDays: 30,
        multiRegion: args.replicaRegions !== undefined,
        policy,
      },
      own,
    );
    new aws.kms.Alias(
      `${name}-key`,
      { ...where, name: `alias/${pulumi.getProject()}-${pulumi.getStack()}-${name}`, targetKeyId: key.keyId },
      { parent: this },
    );
    this.replicaArns = Object.fromEntries(
      replicaRegions.map((region) => {
        const replica = new aws.kms.ReplicaKey(
          `${name}-key-${region}`,
          { region, primaryKeyArn: key.arn, description: args.purpose, deletionWindowInDays: 30, policy },
          own,
        );
        return [region, replica.arn];
      }),
    );
    this.arn = key.arn;
    this.protect = args.protect;
    this.registerOutputs({ arn: this.arn });
  }

  /** Reading what one service encrypted with this key. @param service as in `kms:ViaService`: `sqs`, `dynamodb`, `s3` */
  toDecrypt(service: string, region: string): Permission {
    return through(this.arn, service, region, ["kms:Decrypt"]);
  }

  /** Writing and reading through one service; most check a written data key by decrypting it. */
  toEncrypt(service: string, region: string): Permission {
    return through(this.arn, service, region, ["kms:Decrypt", "kms:GenerateDataKey"]);
  }
}
