import { createHash } from "node:crypto";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import { type ApiAnswer, ServiceError } from "../service.ts";
import { document, elements, textOf, type Xml } from "../xml.ts";
import { copySource } from "./authorization.ts";
import { listObjects, listVersions } from "./listing.ts";
import { readBody, refuse, type S3Request, storedHeaders } from "./request.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";

/** The REST calls of S3 upon objects and buckets. Limits: docs.aws.amazon.com/AmazonS3, "qfacts" and the API reference. */
const MAX_KEY_BYTES = 1024;
const MAX_DELETE = 1000;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PART_NUMBER = 10_000;

const xmlAnswer = (name: string, value: Xml): ApiAnswer => ({
  status: 200,
  headers: { "content-type": "application/xml" },
  body: document(name, value),
});

const empty = (status: number, headers: Record<string, string> = {}): ApiAnswer => ({ status, headers, body: "" });

const versionHeader = (store: ObjectStore, bucket: string, version: string): Record<string, string> =>
  store.versioned(bucket) ? { "x-amz-version-id": version } : {};

/** @throws ServiceError `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` for a delete marker named by version */
function existing(store: ObjectStore, bucket: string, key: string, version: string | undefined): ObjectInfo {
  const info = store.find(bucket, key, version);
  if (info === undefined && version !== undefined)
    throw refuse("NoSuchVersion", "The specified version does not exist.", 404);
  if (info?.marker === true && version !== undefined)
    throw refuse("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  if (info === undefined || info.marker) throw refuse("NoSuchKey", "The specified key does not exist.", 404);
  return info;
}

function headersOf(
  store: ObjectStore,
  bucket: string,
  info: ObjectInfo,
  query: URLSearchParams,
): Record<string, string> {
  const { "x-amz-tagging": _tags, ...kept } = info.headers;
  const overrides = [...query]
    .filter(([name]) => name.startsWith("response-"))
    .map(([name, value]) => [name.slice("response-".length), value]);
  return {
    ...kept,
    ...(Object.fromEntries(overrides) as Record<string, string>),
    etag: info.etag,
    "last-modified": new Date(info.modified).toUTCString(),
    "accept-ranges": "bytes",
    ...versionHeader(store, bucket, info.version),
    ...defined({
      "x-amz-object-lock-retain-until-date": mapDefined(info.lockedUntil, (lockedUntil) =>
        new Date(lockedUntil).toISOString(),
      ),
    }),
  };
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`. @throws ServiceError `InvalidRange` */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  const from = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = match[1] === "" || match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (from > to || from >= size) throw refuse("InvalidRange", "The requested range is not satisfiable", 416);
  return { from, to };
}

function get(store: ObjectStore, request: S3Request): ApiAnswer {
  const { bucket, key, query, headers } = request;
  const info = existing(store, bucket, key, query.get("versionId") ?? undefined);
  if (headers["if-match"] !== undefined && headers["if-match"] !== info.etag && headers["if-match"] !== "*")
    throw refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
  if (headers["if-none-match"] === info.etag) return empty(304, { etag: info.etag });
  const described = headersOf(store, bucket, info, query);
  const range = rangeOf(headers.range, info.size);
  const checksum: Record<string, string> =
    headers["x-amz-checksum-mode"] === "ENABLED" && range === undefined
      ? { "x-amz-checksum-crc32": info.crc32, "x-amz-checksum-type": "FULL_OBJECT" }
      : {};
  const head = request.method === "HEAD";
  if (range === undefined) {
    return {
      status: 200,
      headers: { ...described, ...checksum, "content-length": String(info.size) },
      body: head ? "" : store.read(info),
    };
  }
  const { from, to } = range;
  return {
    status: 206,
    headers: {
      ...described,
      "content-range": `bytes ${from}-${to}/${info.size}`,
      "content-length": String(to - from + 1),
    },
    body: head ? "" : store.read(info).subarray(from, to + 1),
  };
}

/** Conditional writes: `If-None-Match: *` and `If-Match: <etag>`. */
function checkConditions(store: ObjectStore, { bucket, key, headers }: S3Request): void {
  const found = store.find(bucket, key);
  const current = found?.marker === true ? undefined : found;
  const none = headers["if-none-match"];
  if (none !== undefined && none !== "*")
    throw refuse("NotImplemented", "A header you provided implies functionality that is not implemented", 501);
  const match = headers["if-match"];
  if (match !== undefined && current === undefined) throw refuse("NoSuchKey", "The specified key does not exist.", 404);
  if ((none === "*" && current !== undefined) || (match !== undefined && current?.etag !== match))
    throw refuse("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412);
}

/** Retention asked for by header, or the bucket's default in milliseconds. */
function lockOf(headers: S3Request["headers"], retention: number | undefined, now: number): { lockedUntil?: number } {
  const until = headers["x-amz-object-lock-retain-until-date"];
  if (headers["x-amz-object-lock-mode"] !== undefined && until !== undefined) return { lockedUntil: Date.parse(until) };
  return defined({ lockedUntil: mapDefined(retention, (retention) => now + retention) });
}

function put(store: ObjectStore, request: S3Request, retention: number | undefined, now: number): ApiAnswer {
  const { bucket, key, headers } = request;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw refuse("KeyTooLongError", "Your key is too long");
  checkConditions(store, request);
  const lock = lockOf(headers, retention, now);
  const source = copySource(headers["x-amz-copy-source"]);
  if (source !== undefined) {
    if (!store.has(source.bucket)) throw refuse("NoSuchBucket", "The specified bucket does not exist", 404);
    const from = existing(store, source.bucket, source.key, source.version);
    const kept = headers["x-amz-metadata-directive"] === "REPLACE" ? storedHeaders(headers) : from.headers;
    const info = store.put(bucket, key, store.read(from), kept, lock);
    return {
      ...xmlAnswer("CopyObjectResult", { LastModified: new Date(info.modified).toISOString(), ETag: info.etag }),
      headers: { "content-type": "application/xml", ...versionHeader(store, bucket, info.version) },
    };
  }
  const info = store.put(bucket, key, readBody(request), storedHeaders(headers), lock);
  return empty(200, {
    etag: info.etag,
    "x-amz-checksum-crc32": info.crc32,
    "x-amz-checksum-type": "FULL_OBJECT",
    ...versionHeader(store, bucket, info.version),
  });
}

function remove(store: ObjectStore, { bucket, key, query }: S3Request): ApiAnswer {
  const done = store.delete(bucket, key, query.get("versionId") ?? undefined);
  return empty(204, {
    ...(done.version === undefined || !store.versioned(bucket) ? {} : { "x-amz-version-id": done.version }),
    ...(done.marker ? { "x-amz-delete-marker": "true" } : {}),
  });
}

function removeMany(store: ObjectStore, request: S3Request): ApiAnswer {
  const xml = readBody(request).toString("utf8");
  const objects = elements(xml, "Object").map((one) => ({
    Key: textOf(one, "Key") ?? "",
    VersionId: textOf(one, "VersionId"),
  }));
  if (objects.length === 0 || objects.length > MAX_DELETE)
    throw refuse(
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema",
    );
  const Deleted: Xml[] = [];
  const failed: Xml[] = [];
  for (const { Key, VersionId } of objects) {
    try {
      const done = store.delete(request.bucket, Key, VersionId);
      Deleted.push({
        Key,
        VersionId,
        ...(done.marker ? { DeleteMarker: true, DeleteMarkerVersionId: done.version } : {}),
      });
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) throw thrown;
      failed.push({ Key, VersionId, Code: thrown.code, Message: thrown.message });
    }
  }
  return xmlAnswer("DeleteResult", { Deleted: textOf(xml, "Quiet") === "true" ? [] : Deleted, Error: failed });
}

function startUpload(store: ObjectStore, { bucket, key, headers }: S3Request): ApiAnswer {
  const UploadId = store.startUpload(bucket, key, storedHeaders(headers));
  return xmlAnswer("InitiateMultipartUploadResult", { Bucket: bucket, Key: key, UploadId });
}

function putPart(store: ObjectStore, request: S3Request, uploadId: string): ApiAnswer {
  const number = Number(request.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER)
    throw refuse("InvalidArgument", `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`);
  store.upload(uploadId, request.bucket, request.key);
  return empty(200, { etag: store.putPart(uploadId, request.bucket, number, readBody(request)) });
}

function completeUpload(
  store: ObjectStore,
  request: S3Request,
  uploadId: string,
  retention: number | undefined,
  now: number,
): ApiAnswer {
  const { bucket, key, headers } = request;
  const { headers: kept } = store.upload(uploadId, bucket, key);
  const stored = new Map(store.parts(uploadId).map((part) => [part.number, part]));
  const asked = elements(request.body.toString("utf8"), "Part").map((xml) => ({
    number: Number(textOf(xml, "PartNumber")),
    etag: textOf(xml, "ETag") ?? "",
  }));
  if (asked.length === 0)
    throw refuse(
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema",
    );
  checkConditions(store, request);
  const parts = asked.map(({ number, etag }, i) => {
    const part = stored.get(number);
    if (part === undefined || part.etag.replaceAll('"', "") !== etag.replaceAll('"', ""))
      throw refuse(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      );
    if (i > 0 && number <= asked[i - 1]!.number)
      throw refuse(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
      );
    if (i < asked.length - 1 && part.size < MIN_PART_BYTES)
      throw refuse("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
    return part;
  });
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ""), "hex")));
  const etag = `"${createHash("md5").update(digests).digest("hex")}-${parts.length}"`;
  const body = Buffer.concat(parts.map(({ file }) => store.readPart(file)));
  const info = store.put(bucket, key, body, kept, { etag, ...lockOf(headers, retention, now) });
  store.endUpload(uploadId);
  return {
    ...xmlAnswer("CompleteMultipartUploadResult", {
      Location: `/${bucket}/${key}`,
      Bucket: bucket,
      Key: key,
      ETag: etag,
    }),
    headers: { "content-type": "application/xml", ...versionHeader(store, bucket, info.version) },
  };
}

function tagging(store: ObjectStore, { bucket, key, query }: S3Request): ApiAnswer {
  const info = existing(store, bucket, key, query.get("versionId") ?? undefined);
  const tags = [...new URLSearchParams(info.headers["x-amz-tagging"] ?? "")].map(([Key, Value]) => ({ Key, Value }));
  return xmlAnswer("Tagging", { TagSet: { Tag: tags } });
}

function bucketCall(store: ObjectStore, request: S3Request, region: string): ApiAnswer | undefined {
  const { method, bucket, query } = request;
  if (method === "HEAD") return empty(200, { "x-amz-bucket-region": region });
  if (method === "POST" && query.has("delete")) return removeMany(store, request);
  if (method !== "GET") return undefined;
  if (query.has("location")) return xmlAnswer("LocationConstraint", region === "us-east-1" ? "" : region);
  if (query.has("versioning"))
    return xmlAnswer("VersioningConfiguration", store.versioned(bucket) ? { Status: "Enabled" } : {});
  if (query.has("versions")) return xmlAnswer("ListVersionsResult", listVersions(store, bucket, query));
  const plain = [...query.keys()].every((name) => PLAIN.has(name) || name.startsWith("X-Amz-"));
  return plain ? xmlAnswer("ListBucketResult", listObjects(store, bucket, query)) : undefined;
}

const PLAIN = new Set(
  "list-type prefix delimiter max-keys continuation-token start-after marker encoding-type fetch-owner x-id".split(" "),
);

function objectCall(
  store: ObjectStore,
  request: S3Request,
  retention: number | undefined,
  now: number,
): ApiAnswer | undefined {
  const { method, query } = request;
  const uploadId = query.get("uploadId");
  if (query.has("tagging")) return method === "GET" ? tagging(store, request) : undefined;
  if (["acl", "retention", "legal-hold", "attributes", "restore", "select", "torrent"].some((name) => query.has(name)))
    return undefined;
  if (method === "GET" && uploadId !== null) return undefined;
  if (method === "GET" || method === "HEAD") return get(store, request);
  if (method === "PUT")
    return uploadId === null ? put(store, request, retention, now) : putPart(store, request, uploadId);
  if (method === "POST" && query.has("uploads")) return startUpload(store, request);
  if (method === "POST" && uploadId !== null) return completeUpload(store, request, uploadId, retention, now);
  if (method === "DELETE" && uploadId !== null) {
    store.upload(uploadId, request.bucket, request.key);
    store.endUpload(uploadId);
    return empty(204);
  }
  return method === "DELETE" ? remove(store, request) : undefined;
}

/**
 * @param retention the bucket's default Object Lock retention in milliseconds
 * @throws ServiceError with S3's code, or `NotImplemented` naming the call
 */
export function answer(
  store: ObjectStore,
  request: S3Request,
  region: string,
  retention: number | undefined,
  now: number,
): ApiAnswer {
  const { method, bucket, key, query } = request;
  if (bucket === "") {
    const Bucket = store.buckets().map((Name) => ({ Name, CreationDate: new Date(0).toISOString() }));
    return xmlAnswer("ListAllMyBucketsResult", { Buckets: { Bucket } });
  }
  if (!store.has(bucket)) throw refuse("NoSuchBucket", "The specified bucket does not exist", 404);
  const done = key === "" ? bucketCall(store, request, region) : objectCall(store, request, retention, now);
  if (done === undefined)
    throw refuse(
      "NotImplemented",
      `The local platform does not answer ${method} /${key === "" ? "bucket" : "bucket/key"}?${query.toString()}`,
      501,
    );
  return done;
}
