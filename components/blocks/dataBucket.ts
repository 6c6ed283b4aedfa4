import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { EncryptionKey } from "./encryptionKey.ts";
import { type Permission, refusePlainText } from "./permissions.ts";

// Invariant: each reader of the bucket needs an IAM permission, TLS and the key. A deleted object is gone, because erasure has to
// be real: the bucket keeps no older versions. The one exception is a locked bucket, whose objects stay until their lock ends.

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
  readonly accessLogs?: DataBucket;
  /** Lets distributions of this account read it, for everybody to see. @default false */
  readonly servesDistributions?: boolean;
  /** Lets S3 and CloudWatch's log delivery write here, for this account only. @default false */
  readonly receivesLogs?: boolean;
  /**
   * Makes what puts a policy of its own in place of the bucket's when it is created, as a flow log does; ours then comes after it.
   * @default nothing does
   */
  replacesPolicy?(bucket: aws.s3.Bucket): pulumi.CustomResource;
  /**
   * Days for which a version is locked (Object Lock): not even the account's owner can delete or overwrite it.
   * @default 0, unlocked
   */
  readonly lockDays?: number;
  readonly protect: boolean;
}

/**
 * Statements by which logs come in: S3's own access logs, and what CloudWatch's log delivery brings (flow logs, CloudFront). The
 * latter also looks at the bucket first. AWS's own text has a condition on an access control list, `s3:x-amz-acl`; this bucket
 * has lists switched off, and the condition would refuse a service that sends none. Sources: VPC User Guide, "Amazon S3 bucket
 * permissions for flow logs"; CloudWatch Logs User Guide, "Logs sent to Amazon S3"; S3 User Guide, "Enabling Amazon S3 server
 * access logging".
 */
function letLogsIn(bucketArn: pulumi.Input<string>, account: pulumi.Input<string>) {
  const onlyForUs = { StringEquals: { "aws:SourceAccount": account } };
  // Of any region: CloudFront delivers from us-east-1.
  const delivery = { ...onlyForUs, ArnLike: { "aws:SourceArn": pulumi.interpolate`arn:aws:logs:*:${account}:*` } };
  const objects = pulumi.interpolate`${bucketArn}/*`;
  const allow = (
    sid: string,
    service: string,
    actions: string[],
    resource: pulumi.Input<string>,
    condition: object,
  ) => ({
    Sid: sid,
    Effect: "Allow",
    Principal: { Service: service },
    Action: actions,
    Resource: resource,
    Condition: condition,
  });
  return [
    allow("S3AccessLogs", "logging.s3.amazonaws.com", ["s3:PutObject"], objects, onlyForUs),
    allow("AWSLogDeliveryWrite", "delivery.logs.amazonaws.com", ["s3:PutObject"], objects, delivery),
    allow(
      "AWSLogDeliveryAclCheck",
      "delivery.logs.amazonaws.com",
      ["s3:GetBucketAcl", "s3:ListBucket"],
      bucketArn,
      delivery,
    ),
  ];
}

/**
 * The statement by which CloudFront reads on behalf of viewers. It may list too, because S3 answers 403 instead of 404 to a
 * reader who may not list. The distribution is made after the bucket, so the statement allows any distribution of the account.
 * Source: CloudFront Developer Guide, "Restrict access to an Amazon S3 origin".
 */
const letDistributionsRead = (bucketArn: pulumi.Input<string>, account: pulumi.Input<string>) => ({
  Sid: "Distributions",
  Effect: "Allow",
  Principal: { Service: "cloudfront.amazonaws.com" },
  Action: ["s3:GetObject", "s3:ListBucket"],
  Resource: [bucketArn, pulumi.interpolate`${bucketArn}/*`],
  Condition: { ArnLike: { "aws:SourceArn": pulumi.interpolate`arn:aws:cloudfront::${account}:distribution/*` } },
});

/** A private, encrypted bucket. */
export class DataBucket extends pulumi.ComponentResource {
  readonly bucket: aws.s3.Bucket;
  /** Before it stands, no service may write here. */
  readonly policy: aws.s3.BucketPolicy;
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
            ...defined({
              transitions: mapDefined(coldAfterDays, (coldAfterDays) => [
                { days: coldAfterDays, storageClass: "GLACIER_IR" },
              ]),
              expiration: mapDefined(deleteAfterDays, (deleteAfterDays) => ({ days: deleteAfterDays })),
            }),
          })),
        ],
      },
      own,
    );
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    const replacing = args.replacesPolicy?.(this.bucket);
    this.policy = new aws.s3.BucketPolicy(
      `${name}-bucket`,
      {
        bucket,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          // Named in it, so that the policy is written after it, and written anew when it is replaced.
          ...defined({ Id: mapDefined(replacing, (replacing) => pulumi.interpolate`after-${replacing.id}`) }),
          Statement: [
            refusePlainText(
              ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
              [this.bucket.arn, pulumi.interpolate`${this.bucket.arn}/*`],
            ),
            ...(args.servesDistributions === true ? [letDistributionsRead(this.bucket.arn, account)] : []),
            ...(args.receivesLogs === true ? letLogsIn(this.bucket.arn, account) : []),
          ],
        }),
      },
      // S3 refuses to set both at the same moment.
      { ...own, dependsOn: [closed] },
    );
    if (args.accessLogs !== undefined) {
      new aws.s3.BucketLogging(
        `${name}-logging`,
        { bucket, targetBucket: args.accessLogs.bucket.bucket, targetPrefix: `s3/${name}/` },
        { ...own, dependsOn: [args.accessLogs.policy] },
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

  /** Listing objects. A role without it gets 403 for a missing object, instead of 404. */
  toList(): Permission {
    return { actions: ["s3:ListBucket"], resources: [this.bucket.arn] };
  }

  /** Deleting objects. */
  toDelete(): Permission {
    return { actions: ["s3:DeleteObject"], resources: [pulumi.interpolate`${this.bucket.arn}/*`] };
  }
}
