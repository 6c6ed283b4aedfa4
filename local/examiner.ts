import { regionOf } from "./declared.ts";
import type { Iam } from "./iam.ts";
import type { KeyPolicies } from "./keyPolicy.ts";
import { unreachable } from "./reach.ts";
import type { Created, LocalContext, ResourceRequest } from "./service.ts";
import { Landscape, type Seen, type Use } from "./serviceUse.ts";

export interface Examiner {
  /** Looks at a resource that was created. @throws Error naming who may not do what for its sake */
  one(request: ResourceRequest, created: Created): void;
  /** Looks at all of them together, once the program has ended. @throws Error naming what a function can't reach */
  all(): void;
}

/** Looks at what the program has created: what AWS services do for its sake, and what functions can reach. */
export function examiner(context: LocalContext, iam: Iam, keys: KeyPolicies): Examiner {
  const created: Seen[] = [];
  const landscape = new Landscape(context.accountId);

  /** Undefined when it is allowed. */
  function refused({ by, ...use }: Use): string | undefined {
    const [resource] = use.resources as [string];
    if ("role" in by) {
      const role = by.role.slice(by.role.lastIndexOf("/") + 1);
      return iam.may(role, use.action, resource, use.context)
        ? undefined
        : `its role ${role} may not ${use.action} on ${resource}`;
    }
    if ("service" in by)
      return keys.allowsService(by.service, use, resource)
        ? undefined
        : `the policy of the key ${resource} does not let ${by.service} ${use.action} for it`;
    return keys.leavesToAccount(use, resource)
      ? undefined
      : `the policy of the key ${resource} does not leave ${use.action} to the account`;
  }

  return {
    one(request, { state }) {
      const { type, inputs } = request;
      const seen = { type, inputs, outputs: state, region: regionOf(request, context) };
      created.push(seen);
      landscape.note(seen);
      for (const use of landscape.usesOf(seen)) {
        const problem = refused(use);
        if (problem !== undefined) throw new Error(problem);
      }
    },
    all() {
      const [problem] = unreachable(created);
      if (problem !== undefined) throw new Error(problem);
    },
  };
}
