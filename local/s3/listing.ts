import type { Xml } from "../xml.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";

/** Listings as `ListObjectsV2`, `ListObjects` and `ListObjectVersions` answer them. */
const MAX_KEYS = 1000;

const contents = (info: ObjectInfo, name: (key: string) => string): Xml => ({
  Key: name(info.key),
  LastModified: new Date(info.modified).toISOString(),
  ETag: info.etag,
  Size: info.size,
  StorageClass: "STANDARD",
});

export function listObjects(store: ObjectStore, bucket: string, query: URLSearchParams): Xml {
  const v2 = query.get("list-type") === "2";
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const limit = Math.min(MAX_KEYS, Number(query.get("max-keys") ?? MAX_KEYS));
  const token = query.get("continuation-token");
  const name =
    query.get("encoding-type") === "url"
      ? (key: string) => encodeURIComponent(key).replaceAll("%2F", "/")
      : (key: string) => key;
  let after =
    token === null
      ? (query.get(v2 ? "start-after" : "marker") ?? "")
      : Buffer.from(token, "base64url").toString("utf8");
  const Contents: Xml[] = [];
  const prefixes: string[] = [];
  let last = after;
  let truncated = limit > 0;
  while (truncated && Contents.length + prefixes.length < limit) {
    const page = store.list(bucket, prefix, after, delimiter === "" ? limit : Math.min(limit, 100));
    truncated = page.truncated;
    for (const info of page.items) {
      if (Contents.length + prefixes.length === limit) {
        truncated = true;
        break;
      }
      const cut = delimiter === "" ? -1 : info.key.indexOf(delimiter, prefix.length);
      if (cut < 0) {
        Contents.push(contents(info, name));
        last = info.key;
        after = info.key;
        continue;
      }
      const common = info.key.slice(0, cut + delimiter.length);
      if (after.startsWith(common)) continue;
      prefixes.push(common);
      // The next page begins behind everything that shares this prefix.
      last = `${common}\u{10FFFF}`;
      after = last;
      truncated = true;
      break;
    }
    if (page.items.length === 0) truncated = false;
  }
  if (truncated) truncated = store.list(bucket, prefix, last, 1).items.length > 0;
  return {
    Name: bucket,
    Prefix: name(prefix),
    ...(delimiter === "" ? {} : { Delimiter: name(delimiter) }),
    MaxKeys: limit,
    ...(v2 ? { KeyCount: Contents.length + prefixes.length } : {}),
    IsTruncated: truncated,
    ...(truncated
      ? v2
        ? { NextContinuationToken: Buffer.from(last).toString("base64url") }
        : { NextMarker: name(last) }
      : {}),
    Contents,
    CommonPrefixes: prefixes.map((one) => ({ Prefix: name(one) })),
  };
}

/** Every version of the keys with the prefix; paging is not needed at the sizes that versioned buckets have here. */
export function listVersions(store: ObjectStore, bucket: string, query: URLSearchParams): Xml {
  const all = store.versions(bucket, query.get("prefix") ?? "");
  const describe = (info: ObjectInfo & { latest: boolean }) => ({
    ...(contents(info, (key) => key) as object),
    VersionId: info.version,
    IsLatest: info.latest,
  });
  return {
    Name: bucket,
    Prefix: query.get("prefix") ?? "",
    MaxKeys: all.length,
    IsTruncated: false,
    Version: all.filter(({ marker }) => !marker).map(describe),
    DeleteMarker: all
      .filter(({ marker }) => marker)
      .map((info) => ({
        Key: info.key,
        VersionId: info.version,
        IsLatest: info.latest,
        LastModified: new Date(info.modified).toISOString(),
      })),
  };
}
