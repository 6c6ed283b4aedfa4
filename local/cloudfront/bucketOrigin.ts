/** An S3 bucket as a distribution's origin, read under its bucket policy. */
import type { HttpAnswer, HttpRequest } from "../lambda/functionUrl.ts";
import type { S3Service } from "../s3.ts";
import { document } from "../xml.ts";

export interface BucketRead {
  readonly bucket: string;
  readonly request: HttpRequest;
  /** ARN of the distribution. */
  readonly sourceArn: string;
  readonly account: string;
  /** Resolves once the bucket holds what belongs to a key. */
  ready(bucket: string, key: string): Promise<void>;
}

/** The bucket in a regional domain name, `name.s3.us-east-1.amazonaws.com`. */
export const bucketIn = (domain: string): string | undefined =>
  /^(.+)\.s3\.[a-z0-9-]+\.amazonaws\.com$/.exec(domain)?.[1];

const refusal = (status: number, code: string, message: string): HttpAnswer => ({
  status,
  headers: { "content-type": "application/xml" },
  body: document("Error", { Code: code, Message: message }).replace(/ xmlns="[^"]*"/, ""),
});

/** GetObject as CloudFront asks for it. S3 answers 403 for a missing object to a reader without `s3:ListBucket`. */
export async function readObject(
  s3: S3Service,
  { bucket, request, sourceArn, account, ready }: BucketRead,
): Promise<HttpAnswer> {
  const key = decodeURIComponent(request.path.slice(1));
  await ready(bucket, key);
  const context = { "aws:sourcearn": sourceArn, "aws:sourceaccount": account };
  const allows = (action: string, of: string) =>
    s3.writers.allows("cloudfront.amazonaws.com", bucket, action, of, context);
  if (!allows("s3:GetObject", key)) return refusal(403, "AccessDenied", "Access Denied");
  const info = s3.objects.find(bucket, key);
  if (info === undefined || info.marker)
    return allows("s3:ListBucket", "")
      ? refusal(404, "NoSuchKey", "The specified key does not exist.")
      : refusal(403, "AccessDenied", "Access Denied");
  const headers = { ...info.headers, etag: info.etag, "last-modified": new Date(info.modified).toUTCString() };
  if (request.headers["if-none-match"]?.split(/,\s*/).includes(info.etag)) return { status: 304, headers, body: "" };
  return { status: 200, headers, body: request.method === "HEAD" ? "" : s3.objects.read(info) };
}
