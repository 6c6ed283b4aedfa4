import type { Authorization } from "./service.ts";

/**
 * The permissions on a customer-managed key that a caller needs, beside those of the service that encrypts with it in the caller's name.
 * AWS-managed keys (`alias/aws/…`) need none.
 * Sources: SQS developer guide "Key management"; S3 user guide "Using server-side encryption with AWS KMS keys"; Secrets Manager user guide
 * "Secret encryption and decryption".
 */
export function keyUse(
  key: string | undefined,
  kind: "read" | "write",
  service: string,
  region: string,
): readonly Authorization[] {
  if (key === undefined || !/^arn:aws:kms:[^:]+:\d+:key\//.test(key)) return [];
  const context = { "kms:viaservice": `${service}.${region}.amazonaws.com` };
  const actions = kind === "read" ? ["kms:Decrypt"] : ["kms:GenerateDataKey", "kms:Decrypt"];
  return actions.map((action) => ({ action, resources: [key], context }));
}
