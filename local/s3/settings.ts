import { list, optional } from "../declared.ts";
import type { Created, Inputs, LocalContext, ResourceRequest } from "../service.ts";
import { applyRules, type Rule, readRules } from "./lifecycle.ts";
import { BucketPolicies } from "./policies.ts";
import type { ObjectStore } from "./store.ts";
import { BucketWriters } from "./writers.ts";

/** Settings of buckets, each a resource of its own in the program, and what they mean for calls and objects. */
const DAY_MS = 86_400_000;

type Create = (request: ResourceRequest) => Promise<Created>;

export class BucketSettings {
  readonly policies = new BucketPolicies();
  readonly writers = new BucketWriters(this.policies);
  readonly #context: LocalContext;
  readonly #objects: ObjectStore;
  readonly #rules = new Map<string, readonly Rule[]>();
  /** Default Object Lock retention by bucket, milliseconds. */
  readonly #retention = new Map<string, number>();
  /** Customer-managed key by bucket. */
  readonly #keys = new Map<string, string>();

  constructor(context: LocalContext, objects: ObjectStore) {
    this.#context = context;
    this.#objects = objects;
  }

  /** Customer-managed key that a bucket's objects are encrypted with. */
  keyOf(bucket: string): string | undefined {
    return this.#keys.get(bucket);
  }

  /** Milliseconds for which a bucket's new objects are locked; undefined where they are not. */
  retentionOf(bucket: string): number | undefined {
    return this.#retention.get(bucket) || undefined;
  }

  /** Removes the objects whose lifecycle has ended. */
  expire(now: number): void {
    for (const [bucket, some] of this.#rules) {
      const removed = applyRules(this.#objects, bucket, some, now);
      if (removed > 0) this.#context.log(`bucket ${bucket}: ${removed} objects expired`);
    }
  }

  #setting(apply: (bucket: string, inputs: Inputs, name: string) => void): Create {
    return async ({ type, name, inputs }) => {
      const bucket = optional(inputs, "bucket", "string") ?? "";
      if (!this.#objects.has(bucket)) throw new Error(`${type} "${name}": there is no bucket "${bucket}"`);
      apply(bucket, inputs, name);
      return { id: bucket, state: { ...inputs } };
    };
  }

  /** By Pulumi type. */
  resources(): Readonly<Record<string, Create>> {
    const accepted = this.#setting(() => {});
    const policy = this.#setting((bucket, inputs, name) =>
      this.writers.declare(bucket, optional(inputs, "policy", "string") ?? "", name),
    );
    const logging = this.#setting((bucket, inputs) =>
      this.writers.expect({
        what: `the access log of ${bucket}`,
        service: "logging.s3.amazonaws.com",
        bucket: String(inputs.targetBucket),
        key: `${String(inputs.targetPrefix ?? "")}log`,
        looks: false,
        context: { "aws:sourceaccount": this.#context.accountId, "aws:sourcearn": `arn:aws:s3:::${bucket}` },
      }),
    );
    const encryption = this.#setting((bucket, inputs) => {
      const rule = list(inputs.rules)[0] ?? {};
      const byDefault = list(rule.applyServerSideEncryptionByDefault)[0] ?? {};
      const key = optional(byDefault, "kmsMasterKeyId", "string");
      if (key === undefined) this.#keys.delete(bucket);
      else this.#keys.set(bucket, key);
    });
    const versioning = this.#setting((bucket, { versioningConfiguration }) =>
      this.#objects.setVersioning(bucket, list(versioningConfiguration)[0]?.status === "Enabled"),
    );
    const lifecycle = this.#setting((bucket, inputs) => this.#rules.set(bucket, readRules(inputs.rules)));
    const lock = this.#setting((bucket, { rule }) => {
      const { days, years } = (list(rule)[0]?.defaultRetention ?? {}) as { days?: number; years?: number };
      this.#retention.set(bucket, ((days ?? 0) + (years ?? 0) * 365) * DAY_MS);
    });
    return {
      "aws:s3/bucketVersioning:BucketVersioning": versioning,
      "aws:s3/bucketVersioningV2:BucketVersioningV2": versioning,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
      "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": lifecycle,
      "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": lock,
      "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": lock,
      "aws:s3/bucketPolicy:BucketPolicy": policy,
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": accepted,
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls": accepted,
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
      "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": encryption,
      "aws:s3/bucketLogging:BucketLogging": logging,
      "aws:s3/bucketLoggingV2:BucketLoggingV2": logging,
      "aws:s3/bucketAcl:BucketAcl": accepted,
      "aws:s3/bucketAclV2:BucketAclV2": accepted,
      "aws:s3/bucketMetric:BucketMetric": accepted,
      "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": accepted,
    };
  }
}
