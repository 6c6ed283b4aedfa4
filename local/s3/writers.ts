import { evaluate, isPrincipal, parsePolicy } from "../iamPolicy.ts";
import type { BucketPolicies } from "./policies.ts";

/**
 * Services that write to buckets in their own name. Invariant: a service writes only what the policy that stands allows it; a program that replaces a
 * policy takes away what the one before allowed.
 */
export interface Writer {
  /** Who needs it, for the person watching. @example "the flow log network-flows" */
  readonly what: string;
  readonly service: string;
  readonly bucket: string;
  /** Key of what it writes. */
  readonly key: string;
  /** Whether it looks at the bucket's access control list first. */
  readonly looks: boolean;
  /** Condition keys in lower case. */
  readonly context: Readonly<Record<string, string>>;
}

export class BucketWriters {
  readonly #policies: BucketPolicies;
  /** What was declared last, and by whom. */
  readonly #declared = new Map<string, { readonly by: string; readonly policy: string }>();
  readonly #writers: Writer[] = [];

  constructor(policies: BucketPolicies) {
    this.#policies = policies;
  }

  /** @param by resource that declares the policy */
  declare(bucket: string, policy: string, by: string): void {
    this.#policies.put(bucket, policy);
    this.#declared.set(bucket, { by, policy });
  }

  /** A service puts its own policy in place of what stands. */
  replace(bucket: string, statements: readonly object[]): void {
    this.#policies.put(bucket, JSON.stringify({ Version: "2012-10-17", Statement: statements }));
  }

  /** A service adds its statements to what stands. */
  append(bucket: string, statements: readonly object[]): void {
    const before = JSON.parse(this.#policies.get(bucket) ?? '{"Statement":[]}') as { Statement: object[] };
    this.replace(bucket, [...before.Statement, ...statements]);
  }

  /** A service that relies on the policy from now on. */
  expect(writer: Writer): void {
    this.#writers.push(writer);
  }

  /** Whether the policy that stands lets a service do this. @param context condition keys in lower case */
  allows(
    service: string,
    bucket: string,
    action: string,
    key: string,
    context: Readonly<Record<string, string>>,
  ): boolean {
    const statements = parsePolicy(this.#policies.get(bucket) ?? '{"Statement":[]}', "resource");
    const about = statements.filter((one) => isPrincipal(one, "Service", service));
    const arn = `arn:aws:s3:::${bucket}`;
    const resource = key === "" ? arn : `${arn}/${key}`;
    return evaluate(about, { action, resource, context: { "aws:securetransport": "true", ...context } }) === "allow";
  }

  /** What such a writer may not do, as things stand. */
  refusedTo({ service, bucket, key, looks, context }: Writer): string | undefined {
    const needs: readonly (readonly [action: string, key: string])[] = [
      ["s3:PutObject", key],
      ...(looks ? ([["s3:GetBucketAcl", ""]] as const) : []),
    ];
    return needs.find(([action, at]) => !this.allows(service, bucket, action, at, context))?.[0];
  }

  /** @throws Error of the first policy that is no longer what was declared, or that keeps a writer out */
  check(): void {
    for (const [bucket, { by, policy }] of this.#declared)
      if (this.#policies.get(bucket) !== policy)
        throw new Error(
          `the policy of the bucket ${bucket} is no longer what ${by} declares: a service has written to it since. Let it say what the service needs, and come after a flow log`,
        );
    for (const writer of this.#writers) {
      const action = this.refusedTo(writer);
      if (action !== undefined)
        throw new Error(
          `${writer.what} can't write: the policy of the bucket ${writer.bucket} does not let ${writer.service} ${action}`,
        );
    }
  }
}
