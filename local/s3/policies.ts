/** Bucket policies in force: the last one that was written, by the program or by another, is the whole policy. */
import { type ApiAnswer, ServiceError } from "../service.ts";
import type { S3Request } from "./request.ts";

/** Source: S3 user guide, "Bucket policies": 20 KB. */
const POLICY_LIMIT = 20_480;

export class BucketPolicies {
  readonly #policies = new Map<string, string>();

  /** @throws ServiceError for what S3 does not take */
  put(bucket: string, policy: string): void {
    if (Buffer.byteLength(policy) > POLICY_LIMIT)
      throw new ServiceError("PolicyTooLarge", `A bucket policy has at most ${POLICY_LIMIT} bytes.`);
    let statements: unknown;
    try {
      statements = (JSON.parse(policy) as { Statement?: unknown }).Statement;
    } catch {}
    if (!Array.isArray(statements) || statements.length === 0)
      throw new ServiceError("MalformedPolicy", "Policies must be valid JSON and have a Statement.");
    this.#policies.set(bucket, policy);
  }

  get(bucket: string): string | undefined {
    return this.#policies.get(bucket);
  }

  /** The answer to a call of `/bucket?policy`, undefined for any other. */
  answer({ method, bucket, key, query, body }: S3Request): ApiAnswer | undefined {
    if (key !== "" || !query.has("policy")) return undefined;
    if (method === "PUT") {
      this.put(bucket, body.toString("utf8"));
      return { status: 204, headers: {}, body: "" };
    }
    if (method === "DELETE") {
      this.#policies.delete(bucket);
      return { status: 204, headers: {}, body: "" };
    }
    const policy = this.#policies.get(bucket);
    if (policy === undefined) throw new ServiceError("NoSuchBucketPolicy", "The bucket policy does not exist", 404);
    return { status: 200, headers: { "content-type": "application/json" }, body: policy };
  }
}
