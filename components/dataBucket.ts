import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { EncryptionKey } from "./encryptionKey.ts";
import { type Permission, refusePlainText } from "./permissions.ts";

// Invariant: nobody reads the bucket without an IAM permission, TLS and the key; what is deleted is gone, since no older
// version is kept: erasure has to be real. The one exception is a locked bucket, of which nothing goes before its time.

/** What becomes of objects as they age. */
export interface Ageing {
  /** Prefix of the objects concerned; "" for all. */
  readonly prefix: string;
  /** Days until objects move to Glacier Instant Retrieval, at least 30. */
  readonly coldAfterDays?: number;
  /** Days until objects are deleted. */
  readonly deleteAfterDays?: number;
}

export interface DataBucketArgs {
  /** Absent only for the bucket of access logs: S3 can't deliver them to a bucket with a customer-managed key. */
  readonly key?: EncryptionKey;
  readonly region: string;
  readonly ageing: readonly Ageing[];
  /** Bucket that receives the access log. */
  readonly accessLogs?: aws.s3.Bucket;
  /** Services that write here in their own name, for this account only. @example ["delivery.logs.amazonaws.com"] */
  readonly writers?: readonly string[];
  /** Days that nobody, the account's owner included, can delete or overwrite a version (Object Lock). @default 0, no lock */
  readonly lockDays?: number;
  readonly protect: boolean;
}

/** A private, encrypted bucket. */
export class DataBucket extends pulumi.ComponentResource {
  readonly bucket: aws.s3.Bucket;
  private readonly args: DataBucketArgs;

  constructor(name: string, args: DataBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:DataBucket", name, {}, opts);
    const own = { parent: this };
    this.args = args;
    const lockDays = args.lockDays ?? 0;
    this.bucket = new aws.s3.Bucket(`${name}-bucket`, lockDays > 0 ? { objectLockEnabled: true } : {}, {
      parent: this,
      protect: args.protect,
    });
    const bucket = this.bucket.bucket;
    new aws.s3.BucketOwnershipControls(
      `${name}-ownership`,
      { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      own,
    );
    const closed = new aws.s3.BucketPublicAccessBlock(
      `${name}-access`,
      { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      own,
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        bucket,
        rules: [
          {
            applyServerSideEncryptionByDefault:
              args.key === undefined
                ? { sseAlgorithm: "AES256" }
                : { sseAlgorithm: "aws:kms", kmsMasterKeyId: args.key.arn },
            bucketKeyEnabled: args.key !== undefined,
          },
        ],
      },
      own,
    );
    const versioned = new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket, versioningConfiguration: { status: lockDays > 0 ? "Enabled" : "Disabled" } },
      own,
    );
    if (lockDays > 0) {
      new aws.s3.BucketObjectLockConfiguration(
        `${name}-lock`,
        { bucket, rule: { defaultRetention: { mode: "COMPLIANCE", days: lockDays } } },
        { ...own, dependsOn: [versioned] },
      );
    }
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket,
        rules: [
          {
            id: "abandoned-uploads",
            status: "Enabled",
            filter: { prefix: "" },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
          },
          ...args.ageing.map(({ prefix, coldAfterDays, deleteAfterDays }) => ({
            id: prefix === "" ? "everything" : prefix.replaceAll("/", ""),
            status: "Enabled",
            filter: { prefix },
            ...(coldAfterDays === undefined
              ? {}
              : { transitions: [{ days: coldAfterDays, storageClass: "GLACIER_IR" }] }),
            ...(deleteAfterDays === undefined ? {} : { expiration: { days: deleteAfterDays } }),
          })),
        ],
      },
      own,
    );
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    new aws.s3.BucketPolicy(
      `${name}-bucket`,
      {
        bucket,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            refusePlainText(
              ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
              [this.bucket.arn, pulumi.interpolate`${this.bucket.arn}/*`],
            ),
            ...(args.writers ?? []).map((service) => ({
              Sid: `Writer${service.replace(/[^A-Za-z0-9]/g, "")}`,
              Effect: "Allow",
              Principal: { Service: service },
              Action: "s3:PutObject",
              Resource: pulumi.interpolate`${this.bucket.arn}/*`,
              Condition: { StringEquals: { "aws:SourceAccount": account } },
            })),
          ],
        }),
      },
      // S3 refuses to set both at the same moment.
      { ...own, dependsOn: [closed] },
    );
    if (args.accessLogs !== undefined) {
      new aws.s3.BucketLogging(
        `${name}-logging`,
        { bucket, targetBucket: args.accessLogs.bucket, targetPrefix: `s3/${name}/` },
        own,
      );
    }
    this.registerOutputs({ name: bucket, arn: this.bucket.arn });
  }

  /** Reading objects under these prefixes. */
  toRead(prefix = ""): Permission[] {
    return [
      { actions: ["s3:GetObject"], resources: [pulumi.interpolate`${this.bucket.arn}/${prefix}*`] },
      ...(this.args.key === undefined ? [] : [this.args.key.toDecrypt("s3", this.args.region)]),
    ];
  }

  /** Writing objects. */
  toWrite(prefix = ""): Permission[] {
    return [
      { actions: ["s3:PutObject"], resources: [pulumi.interpolate`${this.bucket.arn}/${prefix}*`] },
      ...(this.args.key === undefined ? [] : [this.args.key.toEncrypt("s3", this.args.region)]),
    ];
  }

  /** Listing what is there; without it a missing object looks forbidden instead of absent. */
  toList(): Permission {
    return { actions: ["s3:ListBucket"], resources: [this.bucket.arn] };
  }

  /** Deleting objects. */
  toDelete(): Permission {
    return { actions: ["s3:DeleteObject"], resources: [pulumi.interpolate`${this.bucket.arn}/*`] };
  }
}
