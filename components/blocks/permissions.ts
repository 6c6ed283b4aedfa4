import * as pulumi from "@pulumi/pulumi";
import { defined } from "../../runtime/domain/defined.ts";

/** One thing a role may do: exact actions on named resources. */
export interface Permission {
  /** Exact IAM actions, never a wildcard. @example ["sqs:SendMessage"] */
  readonly actions: readonly string[];
  /** ARNs. `*` only for actions that AWS does not let be narrowed. */
  readonly resources: readonly pulumi.Input<string>[];
  /** IAM condition block. @example { StringEquals: { "kms:ViaService": "sqs.eu-west-1.amazonaws.com" } } */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;
}

/** Using an encryption key through one AWS service. @param service as in `kms:ViaService`: `sqs`, `dynamodb`, `s3` */
export function through(
  keyArn: pulumi.Input<string>,
  service: string,
  region: pulumi.Input<string>,
  actions: readonly string[],
): Permission {
  const via = { "kms:ViaService": pulumi.interpolate`${service}.${region}.amazonaws.com` };
  return { actions, resources: [keyArn], conditions: { StringEquals: via } };
}

/**
 * Writing to one log group under a key: who writes needs the key as well as CloudWatch Logs itself. Source: CloudWatch Logs User Guide,
 * "Encrypt log data in CloudWatch Logs using AWS Key Management Service", step 3.
 * @param streams ARN of the streams written to
 */
export const toWriteLogs = (
  streams: pulumi.Input<string>,
  keyArn: pulumi.Input<string>,
  region: pulumi.Input<string>,
): Permission[] => [
  { actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [streams] },
  toUseLogKey(keyArn, region),
];

/** What AWS's documents ask for of a key where they write `kms:Encrypt*`, `Decrypt*`, `ReEncrypt*`, `GenerateDataKey*` and `Describe*`. */
export const EVERY_USE_OF_A_KEY = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
] as const;

/** The key's part of it. */
export const toUseLogKey = (keyArn: pulumi.Input<string>, region: pulumi.Input<string>): Permission =>
  through(keyArn, "logs", region, EVERY_USE_OF_A_KEY);

/** An identity policy of these permissions, as JSON. @throws Error for a wildcard action, naming it */
export function policyOf(permissions: readonly Permission[]): pulumi.Output<string> {
  const wild = permissions.flatMap(({ actions }) => actions).find((action) => action.includes("*"));
  if (wild !== undefined) throw new Error(`${wild}: name each action, a wildcard grants what AWS adds later`);
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: permissions.map(({ actions, resources, conditions }) => ({
      Effect: "Allow",
      Action: actions,
      Resource: resources,
      ...defined({ Condition: conditions }),
    })),
  });
}

/** The trust policy of a role that these AWS services take on, and nobody else. */
export const trustOf = (...services: readonly string[]): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: services } }],
  });

/** A resource policy's statement that refuses everybody who does not use TLS. */
export const refusePlainText = (actions: readonly string[], resources: readonly pulumi.Input<string>[]) => ({
  Sid: "RefusePlainText",
  Effect: "Deny",
  Principal: "*",
  Action: actions,
  Resource: resources,
  Condition: { Bool: { "aws:SecureTransport": "false" } },
});
