import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import fc from "fast-check";
import { suite } from "uvu";
import { conformanceCases, type Deviations } from "../support/conformance.ts";
import { clientOf } from "./serve.ts";

/** What any S3 has to do, asked through the SDK: ours and fauxqs are held to it. */
export interface S3UnderTest {
  readonly endpoint: string;
  createBucket(name: string): Promise<void>;
  close(): Promise<void>;
}

/** @param deviations cases that the implementation is known to fail, and with what */
export function s3Conformance(name: string, start: () => Promise<S3UnderTest>, deviations: Deviations = {}): void {
  const test = suite(`S3: ${name}`);
  let s3: S3UnderTest;
  let client: S3Client;
  let buckets = 0;
  test.before(async () => {
    s3 = await start();
    client = new S3Client({ ...clientOf(s3.endpoint), maxAttempts: 1 });
  });
  test.after(async () => {
    client.destroy();
    await s3.close();
  });
  const bucket = async (): Promise<string> => {
    buckets += 1;
    await s3.createBucket(`bucket-${buckets}`);
    return `bucket-${buckets}`;
  };
  const put = (Bucket: string, Key: string, Body: string | Uint8Array = "x", more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Bucket: string, Key: string, more: object = {}) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return Buffer.from(await Body!.transformToByteArray());
  };
  const refused = async (work: Promise<unknown>, error: string, status: number) => {
    const thrown = (await work.then(
      () => undefined,
      (reason: Error) => reason,
    )) as (Error & { $metadata: { httpStatusCode: number } }) | undefined;
    assert.deepEqual([thrown?.name, thrown?.$metadata.httpStatusCode], [error, status]);
  };
  const { holds, run } = conformanceCases(test, deviations);

  holds("an object comes back as it was put, with its headers and metadata", async () => {
    const Bucket = await bucket();
    const bytes = Buffer.from([0, 1, 255, 13, 10]);
    const { ETag } = await put(Bucket, "a", bytes, {
      ContentType: "application/x-test",
      ContentEncoding: "gzip",
      CacheControl: "no-store",
      Metadata: { origin: "here" },
    });
    assert.equal(ETag, `"${createHash("md5").update(bytes).digest("hex")}"`);
    const found = await client.send(new HeadObjectCommand({ Bucket, Key: "a" }));
    assert.deepEqual(
      [found.ContentType, found.ContentEncoding, found.CacheControl, found.Metadata, found.ContentLength, found.ETag],
      ["application/x-test", "gzip", "no-store", { origin: "here" }, 5, ETag],
    );
    assert.deepEqual(await read(Bucket, "a"), bytes);
  });

  for (const Key of ["a b+c&d=é/漢?#%.json", "//double//slash", "prefix=07/2026/01/01/x.gz", "a".repeat(1024)]) {
    holds(`the key ${Key.slice(0, 30)} is kept as it is`, async () => {
      const Bucket = await bucket();
      await put(Bucket, Key, "x");
      assert.equal((await read(Bucket, Key)).toString(), "x");
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
      assert.deepEqual(
        Contents?.map((one) => one.Key),
        [Key],
      );
    });
  }

  holds("a stream with its length is put as it is", async () => {
    const Bucket = await bucket();
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: "a",
        Body: Readable.from([Buffer.from("abc"), Buffer.from("def")]),
        ContentLength: 6,
      }),
    );
    assert.equal((await read(Bucket, "a")).toString(), "abcdef");
  });

  holds("an object is replaced whole", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a", "first", { Metadata: { old: "1" } });
    await put(Bucket, "a", "second");
    const found = await client.send(new HeadObjectCommand({ Bucket, Key: "a" }));
    assert.deepEqual([found.Metadata, (await read(Bucket, "a")).toString()], [{}, "second"]);
  });

  holds("missing objects and buckets have their errors", async () => {
    const Bucket = await bucket();
    await refused(read(Bucket, "nowhere"), "NoSuchKey", 404);
    await refused(client.send(new HeadObjectCommand({ Bucket, Key: "nowhere" })), "NotFound", 404);
    await refused(read("no-such-bucket", "a"), "NoSuchBucket", 404);
    await client.send(new DeleteObjectCommand({ Bucket, Key: "nowhere" }));
  });

  for (const [range, expected] of [
    ["bytes=0-3", "0123"],
    ["bytes=7-", "789"],
    ["bytes=-2", "89"],
    ["bytes=8-100", "89"],
  ] as const) {
    holds(`the range ${range} is ${expected}`, async () => {
      const Bucket = await bucket();
      await put(Bucket, "a", "0123456789");
      const { Body, ContentRange } = await client.send(new GetObjectCommand({ Bucket, Key: "a", Range: range }));
      assert.equal(await Body!.transformToString(), expected);
      assert.match(ContentRange ?? "", /^bytes \d+-\d+\/10$/);
    });
  }

  holds("a range behind the end is refused", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a", "0123456789");
    await refused(read(Bucket, "a", { Range: "bytes=10-" }), "InvalidRange", 416);
  });

  holds("a put under If-None-Match happens once", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a", "first", { IfNoneMatch: "*" });
    await refused(put(Bucket, "a", "second", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
    assert.equal((await read(Bucket, "a")).toString(), "first");
  });

  holds("a listing is in the order of UTF-8, by prefix, in pages that hold each key once", async () => {
    const Bucket = await bucket();
    const keys = Array.from({ length: 23 }, (_, i) => `a/${String(i).padStart(2, "0")}`);
    await Promise.all([...keys, "b", "a", "é"].map((key) => put(Bucket, key)));
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: "a/", MaxKeys: 10, ContinuationToken }),
      );
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    assert.deepEqual(seen, keys);
    const all = await client.send(new ListObjectsV2Command({ Bucket }));
    assert.deepEqual(
      all.Contents?.map(({ Key }) => Key),
      ["a", ...keys, "b", "é"],
    );
    const after = await client.send(new ListObjectsV2Command({ Bucket, StartAfter: "a/21" }));
    assert.deepEqual(
      after.Contents?.map(({ Key }) => Key),
      ["a/22", "b", "é"],
    );
  });

  holds("a delimiter folds keys into common prefixes, over pages too", async () => {
    const Bucket = await bucket();
    for (const key of ["a", "b/1", "b/2", "c/1", "d", "e/1"]) await put(Bucket, key);
    const seen: unknown[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Delimiter: "/", MaxKeys: 2, ContinuationToken }),
      );
      seen.push([page.Contents?.map(({ Key }) => Key) ?? [], page.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? []]);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    assert.deepEqual(seen, [
      [["a"], ["b/"]],
      [["d"], ["c/"]],
      [[], ["e/"]],
    ]);
  });

  holds("many objects are deleted at once, missing ones too", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a&b<c>");
    await put(Bucket, "kept");
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a&b<c>" }, { Key: "nowhere" }] } }),
    );
    assert.deepEqual([Deleted?.map(({ Key }) => Key), Errors ?? []], [["a&b<c>", "nowhere"], []]);
    assert.deepEqual(
      (await client.send(new ListObjectsV2Command({ Bucket }))).Contents?.map(({ Key }) => Key),
      ["kept"],
    );
  });

  holds("a copy has the same bytes and metadata", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a é", "bytes", { Metadata: { m: "1" }, ContentType: "text/x" });
    await client.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource: encodeURIComponent(`${Bucket}/a é`) }));
    const found = await client.send(new HeadObjectCommand({ Bucket, Key: "b" }));
    assert.deepEqual(
      [(await read(Bucket, "b")).toString(), found.Metadata, found.ContentType],
      ["bytes", { m: "1" }, "text/x"],
    );
  });

  holds("parts become one object with an ETag that counts them", async () => {
    const Bucket = await bucket();
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: "a", ContentType: "text/x" }),
    );
    const first = Buffer.alloc(5 * 1024 * 1024, 1);
    const Parts = [];
    for (const [PartNumber, Body] of [
      [1, first],
      [2, Buffer.from("end")],
    ] as const) {
      const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key: "a", UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    const { ETag } = await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: "a", UploadId, MultipartUpload: { Parts } }),
    );
    assert.match(ETag ?? "", /^"[0-9a-f]{32}-2"$/);
    assert.ok((await read(Bucket, "a")).equals(Buffer.concat([first, Buffer.from("end")])));
    assert.equal((await client.send(new HeadObjectCommand({ Bucket, Key: "a" }))).ContentType, "text/x");
  });

  holds("an aborted upload leaves nothing and is gone", async () => {
    const Bucket = await bucket();
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "a" }));
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: "a", UploadId }));
    await refused(
      client.send(new UploadPartCommand({ Bucket, Key: "a", UploadId, PartNumber: 1, Body: "x" })),
      "NoSuchUpload",
      404,
    );
    assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  });

  holds("a presigned URL reads an object without a key, with the headers that it asks for", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a b", "x");
    const url = await getSignedUrl(
      client,
      new GetObjectCommand({ Bucket, Key: "a b", ResponseContentDisposition: 'attachment; filename="e.tgz"' }),
      { expiresIn: 60 },
    );
    const response = await fetch(url);
    assert.deepEqual(
      [response.status, await response.text(), response.headers.get("content-disposition")],
      [200, "x", 'attachment; filename="e.tgz"'],
    );
  });

  holds("a presigned URL past its time is refused", async () => {
    const Bucket = await bucket();
    await put(Bucket, "a", "x");
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "a" }), {
      expiresIn: 60,
      signingDate: new Date(Date.now() - 61_000),
    });
    const response = await fetch(url);
    assert.deepEqual([response.status, /<Code>AccessDenied<\/Code>/.test(await response.text())], [403, true]);
  });

  holds("any keys and bytes come back, listed in order", async () => {
    const key = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((text) => text.isWellFormed() && !/\p{Cc}|[\ufffe\uffff]/u.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { minLength: 1, maxLength: 5 }),
        fc.uint8Array({ maxLength: 200 }),
        async (keys, bytes) => {
          const Bucket = await bucket();
          for (const Key of keys) await put(Bucket, Key, bytes);
          for (const Key of keys) assert.deepEqual(await read(Bucket, Key), Buffer.from(bytes));
          const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
          assert.deepEqual(
            Contents?.map(({ Key }) => Key),
            [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  run();
}
