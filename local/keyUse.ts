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
  if (!isOwnKey(key)) return [];
  const context = { "kms:viaservice": `${service}.${region}.amazonaws.com` };
  const actions = kind === "read" ? ["kms:Decrypt"] : ["kms:GenerateDataKey", "kms:Decrypt"];
  return actions.map((action) => ({ action, resources: [key], context }));
}

const isOwnKey = (key: string | undefined): key is string =>
  key !== undefined && /^arn:aws:kms:[^:]+:\d+:key\//.test(key);

/**
 * What a schedule's execution role needs to have its input read. The role calls KMS directly, so a permission with the condition
 * `kms:ViaService` does not cover the call. Source: EventBridge Scheduler user guide "Encryption at rest".
 */
export function scheduleKeyUse(key: string | undefined, scheduleArn: string): readonly Authorization[] {
  if (!isOwnKey(key)) return [];
  const context = { "kms:encryptioncontext:aws:scheduler:schedule:arn": scheduleArn };
  return [{ action: "kms:Decrypt", resources: [key], context }];
}
