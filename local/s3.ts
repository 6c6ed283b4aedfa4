import { join } from "node:path";
import { type Clock, systemClock } from "./clock.ts";
import { list, onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { keyUse } from "./keyUse.ts";
import { answer } from "./s3/actions.ts";
import { authorizationsOf } from "./s3/authorization.ts";
import { readRequest, type S3Request } from "./s3/request.ts";
import { BucketSettings } from "./s3/settings.ts";
import { ObjectStore } from "./s3/store.ts";
import type { BucketWriters } from "./s3/writers.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Created,
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

export interface S3Service extends LocalService {
  /** Objects without HTTP or permissions, for stand-ins that deliver to buckets. */
  readonly objects: ObjectStore;
  readonly writers: BucketWriters;
}

export async function createS3(context: LocalContext, clock: Clock = systemClock): Promise<S3Service> {
  const objects = new ObjectStore(join(context.state, "s3"), () => clock.now(), context.log);
  const settings = new BucketSettings(context, objects);
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
    settings.expire(clock.now());
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
    writers: settings.writers,
    resources: {
      "aws:s3/bucket:Bucket": createBucket,
      "aws:s3/bucketV2:BucketV2": createBucket,
      ...settings.resources(),
      "aws:s3/bucketObject:BucketObject": createObject,
      "aws:s3/bucketObjectv2:BucketObjectv2": createObject,
    },
    api: {
      name: "s3",
      authorizations(call) {
        const asked = authorizationsOf(read(call));
        const key = settings.keyOf(read(call).bucket);
        const writes = asked.some(({ action }) => action === "s3:PutObject");
        const reads = asked.some(({ action }) => /^s3:GetObject(Version)?$/.test(action));
        return writes || reads ? [...asked, ...keyUse(key, writes ? "write" : "read", "s3", call.region)] : asked;
      },
      async call(call) {
        try {
          const request = read(call);
          const policyAnswer = settings.policies.answer(request);
          if (policyAnswer !== undefined) return policyAnswer;
          return answer(objects, request, call.region, settings.retentionOf(request.bucket), clock.now());
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
