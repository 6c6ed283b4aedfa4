import { evaluate, isPrincipal, parsePolicy, type Statement } from "./iamPolicy.ts";
import type { Authorization } from "./service.ts";

/**
 * The policies of keys. Invariant: a key is used only by those whom its own policy allows, either by name or by leaving it to the
 * account's IAM policies. IAM policies can't change the key's policy. Source: KMS developer guide, "Key policies in AWS KMS".
 */
export class KeyPolicies {
  readonly #policies = new Map<string, readonly Statement[]>();
  readonly #account: string;

  constructor(account: string) {
    this.#account = account;
  }

  /** @param document the key's policy; undefined stands for KMS's own, which leaves everything to the account */
  set(keyArn: string, document: unknown): void {
    if (document === undefined) this.#policies.delete(keyArn);
    else this.#policies.set(keyArn, parsePolicy(document, "resource"));
  }

  /** Whether a service may use the key in its own name. */
  allowsService(service: string, use: Omit<Authorization, "resources">, keyArn: string): boolean {
    return this.#judge("Service", service, use, keyArn) === "allow";
  }

  /** Whether the key leaves it to the account's IAM policies who may do this. */
  leavesToAccount(use: Omit<Authorization, "resources">, keyArn: string): boolean {
    if (!this.#policies.has(keyArn)) return true;
    return this.#judge("AWS", `arn:aws:iam::${this.#account}:root`, use, keyArn) === "allow";
  }

  #judge(kind: string, name: string, { action, context = {} }: Omit<Authorization, "resources">, resource: string) {
    const about = (this.#policies.get(resource) ?? []).filter((statement) => isPrincipal(statement, kind, name));
    return evaluate(about, { action, resource, context });
  }
}
