import { join } from "node:path";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { keyUse } from "./keyUse.ts";
import { answer } from "./s3/actions.ts";
import { authorizationsOf } from "./s3/authorization.ts";
import { applyRules, type Rule, readRules } from "./s3/lifecycle.ts";
import { BucketPolicies } from "./s3/policies.ts";
import { readRequest, type S3Request } from "./s3/request.ts";
import { ObjectStore } from "./s3/store.ts";
import { BucketWriters } from "./s3/writers.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Created,
  type Inputs,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";
import { document } from "./xml.ts";

/**
 * Amazon S3 on one machine: objects as files with a SQLite index. Versioning, Object Lock retention, lifecycle expiry and conditional writes behave; encryption,
 * public access blocks and storage classes are accepted, since they change nothing for the owner of the disk. Bucket policies are kept
 * for the services that write here in their own name.
 */
const LIFECYCLE_CHECK_MS = 60_000;
const DAY_MS = 86_400_000;

export interface S3Service extends LocalService {
  /** Objects without HTTP or permissions, for stand-ins that deliver to buckets. */
  readonly objects: ObjectStore;
  readonly writers: BucketWriters;
}

export async function createS3(context: LocalContext, clock: Clock = systemClock): Promise<S3Service> {
  const objects = new ObjectStore(join(context.state, "s3"), () => clock.now(), context.log);
  const rules = new Map<string, readonly Rule[]>();
  /** Default Object Lock retention by bucket, milliseconds. */
  const retention = new Map<string, number>();
  /** Customer-managed key by bucket. */
  const keys = new Map<string, string>();
  const policies = new BucketPolicies();
  const requests = new WeakMap<ApiCall, S3Request>();

  function read(call: ApiCall): S3Request {
    let request = requests.get(call);
    if (request === undefined) {
      request = readRequest(call);
      requests.set(call, request);
    }
    return request;
  }

  let cancel = clock.at(clock.now() + LIFECYCLE_CHECK_MS, expire);
  function expire(): void {
    for (const [bucket, some] of rules) {
      const removed = applyRules(objects, bucket, some, clock.now());
      if (removed > 0) context.log(`bucket ${bucket}: ${removed} objects expired`);
    }
    cancel = clock.at(clock.now() + LIFECYCLE_CHECK_MS, expire);
  }

  async function createBucket(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    onlySupports(
      request,
      "bucket bucketPrefix acl policy objectLockEnabled versioning lifecycleRules serverSideEncryptionConfiguration loggings accelerationStatus",
    );
    const region = regionOf(request, context);
    const bucket = physicalName(request, "bucket").toLowerCase();
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
      throw new Error(`${request.type} "${request.name}": "${bucket}" is not a bucket name`);
    objects.addBucket(bucket);
    objects.setVersioning(bucket, inputs.objectLockEnabled === true || list(inputs.versioning)[0]?.enabled === true);
    if (inputs.lifecycleRules !== undefined)
      throw new Error(
        `${request.type} "${request.name}": declare "lifecycleRules" as an aws.s3.BucketLifecycleConfiguration`,
      );
    const state = {
      ...inputs,
      bucket,
      arn: `arn:aws:s3:::${bucket}`,
      bucketDomainName: `${bucket}.s3.amazonaws.com`,
      bucketRegionalDomainName: `${bucket}.s3.${region}.amazonaws.com`,
      bucketRegion: region,
      hostedZoneId: "Z3AQBSTGFYJSTF",
      region,
    };
    return { id: bucket, state };
  }

  /** A setting of a bucket that is a resource of its own. */
  const setting =
    (apply: (bucket: string, inputs: Inputs) => void) =>
    async ({ type, name, inputs }: ResourceRequest): Promise<Created> => {
      const bucket = optional(inputs, "bucket", "string") ?? "";
      if (!objects.has(bucket)) throw new Error(`${type} "${name}": there is no bucket "${bucket}"`);
      apply(bucket, inputs);
      return { id: bucket, state: { ...inputs } };
    };
  const accepted = setting(() => {});
  const writers = new BucketWriters(policies);
  const policy = ({ type, name, inputs }: ResourceRequest) =>
    setting((bucket) => writers.declare(bucket, optional(inputs, "policy", "string") ?? "", name))({
      type,
      name,
      inputs,
    });
  const logging = ({ type, name, inputs }: ResourceRequest) =>
    setting((bucket) =>
      writers.expect({
        what: `the access log of ${bucket}`,
        service: "logging.s3.amazonaws.com",
        bucket: String(inputs.targetBucket),
        key: `${String(inputs.targetPrefix ?? "")}log`,
        looks: false,
        context: { "aws:sourceaccount": context.accountId, "aws:sourcearn": `arn:aws:s3:::${bucket}` },
      }),
    )({ type, name, inputs });
  const encryption = setting((bucket, inputs) => {
    const rule = list(inputs.rules)[0] ?? {};
    const byDefault = list(rule.applyServerSideEncryptionByDefault)[0] ?? {};
    const key = optional(byDefault, "kmsMasterKeyId", "string");
    if (key === undefined) keys.delete(bucket);
    else keys.set(bucket, key);
  });
  const versioning = setting((bucket, { versioningConfiguration }) =>
    objects.setVersioning(bucket, list(versioningConfiguration)[0]?.status === "Enabled"),
  );
  const lifecycle = setting((bucket, inputs) => rules.set(bucket, readRules(inputs.rules)));
  const lock = setting((bucket, { rule }) => {
    const { days, years } = (list(rule)[0]?.defaultRetention ?? {}) as { days?: number; years?: number };
    retention.set(bucket, ((days ?? 0) + (years ?? 0) * 365) * DAY_MS);
  });

  async function createObject({ inputs, type, name }: ResourceRequest): Promise<Created> {
    const bucket = optional(inputs, "bucket", "string") ?? "";
    const key = optional(inputs, "key", "string") ?? name;
    if (typeof inputs.content !== "string")
      throw new Error(`${type} "${name}": the local platform takes an object's bytes from "content" alone`);
    const info = objects.put(bucket, key, Buffer.from(inputs.content), {
      "content-type": optional(inputs, "contentType", "string") ?? "binary/octet-stream",
    });
    return {
      id: key,
      state: { ...inputs, key, etag: info.etag, versionId: info.version, arn: `arn:aws:s3:::${bucket}/${key}` },
    };
  }

  return {
    objects,
    writers,
    resources: {
      "aws:s3/bucket:Bucket": createBucket,
      "aws:s3/bucketV2:BucketV2": createBucket,
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
      "aws:s3/bucketObject:BucketObject": createObject,
      "aws:s3/bucketObjectv2:BucketObjectv2": createObject,
    },
    api: {
      name: "s3",
      authorizations(call) {
        const asked = authorizationsOf(read(call));
        const key = keys.get(read(call).bucket);
        const writes = asked.some(({ action }) => action === "s3:PutObject");
        const reads = asked.some(({ action }) => /^s3:GetObject(Version)?$/.test(action));
        return writes || reads ? [...asked, ...keyUse(key, writes ? "write" : "read", "s3", call.region)] : asked;
      },
      async call(call) {
        try {
          const request = read(call);
          const policyAnswer = policies.answer(request);
          if (policyAnswer !== undefined) return policyAnswer;
          const period = retention.get(request.bucket);
          return answer(objects, request, call.region, period === 0 ? undefined : period, clock.now());
        } catch (thrown) {
          return refusal(thrown, call.method);
        }
      },
    },
    async scrub() {
      objects.scrub();
    },
    async close() {
      cancel();
      objects.close();
    },
  };
}

function refusal(thrown: unknown, method: string): ApiAnswer {
  if (!(thrown instanceof ServiceError)) throw thrown;
  const body =
    method === "HEAD"
      ? ""
      : document("Error", { Code: thrown.code, Message: thrown.message }).replace(/ xmlns="[^"]*"/, "");
  return { status: thrown.status, headers: { "content-type": "application/xml" }, body };
}
