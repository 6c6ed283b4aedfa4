import { defined } from "../../runtime/domain/defined.ts";
import type { Authorization } from "../service.ts";
import { elements, textOf } from "../xml.ts";
import type { S3Request } from "./request.ts";

/** Which permissions an S3 call needs. Source: AWS Service Authorization Reference, "Actions defined by Amazon S3". */
export function authorizationsOf(request: S3Request): readonly Authorization[] {
  const { method, bucket, key, query, headers, body } = request;
  const object = (action: string, name = key, of = bucket): Authorization => ({
    action: `s3:${action}`,
    resources: [`arn:aws:s3:::${of}/${name}`],
  });
  if (bucket === "") return [{ action: "s3:ListAllMyBuckets", resources: ["*"] }];
  if (key === "") {
    if (method === "POST" && query.has("delete")) {
      const action = (xml: string) => (textOf(xml, "VersionId") === undefined ? "DeleteObject" : "DeleteObjectVersion");
      return elements(body.toString("utf8"), "Object").map((xml) => object(action(xml), textOf(xml, "Key") ?? ""));
    }
    if (query.has("policy")) {
      const verb = method === "PUT" ? "Put" : method === "DELETE" ? "Delete" : "Get";
      return [{ action: `s3:${verb}BucketPolicy`, resources: [`arn:aws:s3:::${bucket}`] }];
    }
    const action = query.has("versions")
      ? "ListBucketVersions"
      : query.has("location")
        ? "GetBucketLocation"
        : query.has("uploads")
          ? "ListBucketMultipartUploads"
          : query.has("versioning")
            ? "GetBucketVersioning"
            : "ListBucket";
    const prefix = query.get("prefix");
    return [
      {
        action: `s3:${action}`,
        resources: [`arn:aws:s3:::${bucket}`],
        ...(prefix === null ? {} : { context: { "s3:prefix": prefix } }),
      },
    ];
  }
  const versioned = query.has("versionId") ? "Version" : "";
  if (query.has("tagging")) return [object(`${method === "GET" ? "Get" : "Put"}Object${versioned}Tagging`)];
  if (method === "GET" && query.has("uploadId")) return [object("ListMultipartUploadParts")];
  if (method === "GET" || method === "HEAD") return [object(`GetObject${versioned}`)];
  if (method === "DELETE") return [object(query.has("uploadId") ? "AbortMultipartUpload" : `DeleteObject${versioned}`)];
  const source = copySource(headers["x-amz-copy-source"]);
  const lock = headers["x-amz-object-lock-mode"] === undefined ? [] : [object("PutObjectRetention")];
  return [
    object("PutObject"),
    ...lock,
    ...(source === undefined ? [] : [object("GetObject", source.key, source.bucket)]),
  ];
}

/** `x-amz-copy-source`: `[/]bucket/key[?versionId=…]`, percent-encoded. */
export function copySource(
  header: string | undefined,
): { readonly bucket: string; readonly key: string; readonly version?: string } | undefined {
  if (header === undefined) return undefined;
  const [path, version] = header.replace(/^\//, "").split("?versionId=") as [string, string?];
  const decoded = decodeURIComponent(path);
  const end = decoded.indexOf("/");
  return { bucket: decoded.slice(0, end), key: decoded.slice(end + 1), ...defined({ version }) };
}
