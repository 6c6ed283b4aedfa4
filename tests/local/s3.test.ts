import assert from "node:assert/strict";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { startFauxqs } from "fauxqs";
import { suite } from "uvu";
import { createS3, type S3Service } from "../../local/s3.ts";
import type { ApiCall, Inputs } from "../../local/service.ts";
import { testClock } from "./clock.ts";
import { s3Conformance } from "./s3.conformance.ts";
import { clientOf, freshContexts, serve } from "./serve.ts";

const declare = (s3: S3Service, type: string, name: string, inputs: Inputs) =>
  s3.resources[`aws:s3/${type}`]!({ type: `aws:s3/${type}`, name, inputs });

s3Conformance("ours", async () => {
  let s3: S3Service | undefined;
  const served = await serve(async (context) => {
    s3 = await createS3(context);
    return [s3];
  });
  return {
    endpoint: served.endpoint,
    async createBucket(name) {
      await declare(s3!, "bucket:Bucket", name, {});
    },
    close: served.close,
  };
});

s3Conformance(
  "fauxqs",
  async () => {
    const server = await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" });
    return {
      endpoint: `http://127.0.0.1:${server.port}`,
      async createBucket(name) {
        server.createBucket(name);
      },
      close: () => server.stop(),
    };
  },
  {
    "a put under If-None-Match happens once": {
      why: "the condition is ignored",
      fails: /\+ {3}undefined,\n\+ {3}undefined\n- {3}'PreconditionFailed',/,
    },
    "a delimiter folds keys into common prefixes, over pages too": {
      why: "prefixes come first, out of order",
      fails: /\n\+ {5}\[\],\n {6}\[\n\+ {7}'b\/',\n/,
    },
    "a presigned URL reads an object without a key, with the headers that it asks for": {
      why: "its headers are ignored",
      fails: /\n {4}200,\n {4}'x',\n\+ {3}null\n/,
    },
    "a presigned URL past its time is refused": { why: "it is taken", fails: /\n\+ {3}200,\n\+ {3}false\n- {3}403,\n/ },
    "any keys and bytes come back, listed in order": {
      why: "not in the order of UTF-8",
      fails: /^Error: Property failed after /,
    },
  },
);

const test = suite("S3 buckets");
const fresh = freshContexts(test.after);

test("objects and their metadata outlive a kill", async () => {
  const context = fresh();
  const first = await createS3(context);
  await declare(first, "bucket:Bucket", "kept", {});
  first.objects.put("kept", "a", Buffer.from("bytes"), { "content-type": "text/x" });
  // Not closed: nothing but what has been written counts.
  const second = await createS3(context);
  await declare(second, "bucket:Bucket", "kept", {});
  const found = second.objects.find("kept", "a")!;
  assert.deepEqual([second.objects.read(found).toString(), found.headers], ["bytes", { "content-type": "text/x" }]);
  await second.close();
  await first.close();
});

test("lifecycle rules expire objects by prefix and age, and clear abandoned uploads", async () => {
  const clock = testClock();
  const s3 = await createS3(fresh(), clock);
  await declare(s3, "bucket:Bucket", "aging", {});
  await declare(s3, "bucketLifecycleConfiguration:BucketLifecycleConfiguration", "aging", {
    bucket: "aging",
    rules: [
      { id: "old", status: "Enabled", filter: { prefix: "tmp/" }, expiration: { days: 1 } },
      { id: "off", status: "Disabled", filter: { prefix: "" }, expiration: { days: 1 } },
      { id: "uploads", status: "Enabled", filter: {}, abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ],
  });
  s3.objects.put("aging", "tmp/old", Buffer.from("x"));
  s3.objects.put("aging", "kept", Buffer.from("x"));
  const upload = s3.objects.startUpload("aging", "u", {});
  clock.advance(86_400_000 - 60_000);
  s3.objects.put("aging", "tmp/new", Buffer.from("x"));
  clock.advance(120_000);
  assert.deepEqual(
    s3.objects.list("aging", "", "", 10).items.map(({ key }) => key),
    ["kept", "tmp/new"],
  );
  assert.throws(() => s3.objects.upload(upload, "aging", "u"), /does not exist/);
  await s3.close();
});

test("in a versioned bucket deleting hides, and a locked version can't be deleted before its time", async () => {
  const clock = testClock(Date.now());
  let s3: S3Service | undefined;
  const served = await serve(async (context) => {
    s3 = await createS3(context, clock);
    return [s3];
  });
  await declare(s3!, "bucket:Bucket", "audit", { objectLockEnabled: true });
  await declare(s3!, "bucketObjectLockConfiguration:BucketObjectLockConfiguration", "audit", {
    bucket: "audit",
    rule: { defaultRetention: { mode: "COMPLIANCE", days: 1 } },
  });
  const client = new S3Client(clientOf(served.endpoint));
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket: "audit", Key: "a", Body: "first" }));
  await client.send(new DeleteObjectCommand({ Bucket: "audit", Key: "a" }));
  await assert.rejects(client.send(new GetObjectCommand({ Bucket: "audit", Key: "a" })), { name: "NoSuchKey" });
  const hidden = await client.send(new GetObjectCommand({ Bucket: "audit", Key: "a", VersionId }));
  assert.equal(await hidden.Body!.transformToString(), "first");
  const forGood = () => client.send(new DeleteObjectCommand({ Bucket: "audit", Key: "a", VersionId }));
  await assert.rejects(forGood(), {
    name: "AccessDenied",
    message: "Access Denied because object protected by object lock.",
  });
  clock.advance(86_400_001);
  await forGood();
  const { Versions, DeleteMarkers } = await client.send(new ListObjectVersionsCommand({ Bucket: "audit" }));
  assert.deepEqual([Versions ?? [], DeleteMarkers?.map(({ Key, IsLatest }) => [Key, IsLatest])], [[], [["a", true]]]);
  client.destroy();
  await served.close();
});

const arn = "arn:aws:s3:::b";
const permissions: readonly (readonly [
  method: string,
  url: string,
  expected: readonly (readonly [string, string])[],
  headers?: Record<string, string>,
  body?: string,
])[] = [
  ["GET", "/b/a%20b", [["s3:GetObject", `${arn}/a b`]]],
  ["HEAD", "/b/a?versionId=1", [["s3:GetObjectVersion", `${arn}/a`]]],
  ["PUT", "/b/a", [["s3:PutObject", `${arn}/a`]]],
  ["PUT", "/b/a?partNumber=1&uploadId=u", [["s3:PutObject", `${arn}/a`]]],
  [
    "PUT",
    "/b/a",
    [
      ["s3:PutObject", `${arn}/a`],
      ["s3:GetObject", "arn:aws:s3:::other/x y"],
    ],
    { "x-amz-copy-source": "/other/x%20y" },
  ],
  ["DELETE", "/b/a?uploadId=u", [["s3:AbortMultipartUpload", `${arn}/a`]]],
  ["DELETE", "/b/a", [["s3:DeleteObject", `${arn}/a`]]],
  [
    "POST",
    "/b?delete",
    [
      ["s3:DeleteObject", `${arn}/x&y`],
      ["s3:DeleteObjectVersion", `${arn}/z`],
    ],
    {},
    "<Delete><Object><Key>x&amp;y</Key></Object><Object><Key>z</Key><VersionId>1</VersionId></Object></Delete>",
  ],
  ["GET", "/b?list-type=2&prefix=p", [["s3:ListBucket", arn]]],
  ["GET", "/", [["s3:ListAllMyBuckets", "*"]]],
];
for (const [method, url, expected, headers = {}, body = ""] of permissions) {
  test(`${method} ${url} needs ${expected.map(([action]) => action).join(" and ")}`, async () => {
    const s3 = await createS3(fresh());
    const call: ApiCall = { service: "s3", region: "us-east-1", method, url, headers, body: Buffer.from(body) };
    assert.deepEqual(
      s3.api!.authorizations(call).map(({ action, resources }) => [action, ...resources]),
      expected,
    );
    await s3.close();
  });
}

test("an object of a bucket with a key of the customer needs that key too", async () => {
  const s3 = await createS3(fresh());
  const key = "arn:aws:kms:us-east-1:000000000000:key/k";
  await declare(s3, "bucket:Bucket", "sealed", {});
  await declare(s3, "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "sealed", {
    bucket: "sealed",
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key } }],
  });
  const call: ApiCall = {
    service: "s3",
    region: "us-east-1",
    method: "GET",
    url: "/sealed/a",
    headers: {},
    body: Buffer.alloc(0),
  };
  assert.deepEqual(s3.api!.authorizations(call)[1], {
    action: "kms:Decrypt",
    resources: [key],
    context: { "kms:viaservice": "s3.us-east-1.amazonaws.com" },
  });
  await s3.close();
});

test("arguments that would change behaviour and aren't supported stop the start, by name", async () => {
  const s3 = await createS3(fresh());
  await assert.rejects(
    declare(s3, "bucket:Bucket", "bucket-1", { website: { indexDocument: "i" } }),
    /aws:s3\/bucket:Bucket "bucket-1": the local platform does not support the argument "website"/,
  );
  await declare(s3, "bucket:Bucket", "bucket-2", {});
  await assert.rejects(
    declare(s3, "bucketLifecycleConfiguration:BucketLifecycleConfiguration", "bucket-2", {
      bucket: "bucket-2",
      rules: [{ id: "r", status: "Enabled", filter: { tag: { key: "a", value: "b" } } }],
    }),
    /the lifecycle rule "r" filters by "tag", which the local platform does not support/,
  );
  await s3.close();
});

test.run();
