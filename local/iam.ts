/**
 * Roles and policies. Invariant: what a function may do is what the program's policies say, nothing else; the gateway
 * asks here before any call reaches a service, and a decision is remembered until a policy changes.
 */

import { type Caller, type Credentials, createCredentials } from "./credentials.ts";
import { nameIn } from "./declared.ts";
import { managedPolicies } from "./iamManaged.ts";
import {
  type AccessRequest,
  type Context,
  type Decision,
  evaluate,
  isPrincipal,
  parsePolicy,
  type Statement,
} from "./iamPolicy.ts";
import type { KeyPolicies } from "./keyPolicy.ts";
import type { Authorization, Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/** The person at this machine, who may do everything: the demo, the tests, `aws --endpoint-url`. */
export const ADMINISTRATOR = "local-administrator";

interface Role {
  readonly name: string;
  readonly arn: string;
  readonly trust: readonly Statement[];
  readonly policies: Map<string, readonly Statement[]>;
}

export interface Refusal {
  readonly action: string;
  readonly resource: string;
  readonly role: string;
  readonly decision: Exclude<Decision, "allow">;
}

export interface Iam extends LocalService {
  /** @throws Error when no such role exists */
  roleArn(name: string): string;
  /** What a role's SDK clients sign with; the administrator's as well. */
  credentialsOf(role: string): Credentials;
  /** Whose access key it is; undefined when it is nobody's. */
  callerOf(accessKeyId: string): Caller | undefined;
  /** Undefined when everything is allowed, else the first refusal. */
  refusal(role: string, authorizations: readonly Authorization[]): Refusal | undefined;
  /** Whether the role could do this, without its being asked for. */
  may(role: string, action: string, resource: string, context?: Context): boolean;
  /** Whether the role lets a service such as `lambda.amazonaws.com` take it on. */
  trusts(role: string, service: string): boolean;
  /** Takes a permission away, in place of the one before; with undefined all are there again. */
  takeAway(taken: Taken | undefined): void;
  /** Permissions asked for so far, by role: `sqs:SendMessage` on an ARN. */
  asked(): ReadonlyMap<string, ReadonlySet<string>>;
}

/** An action that roles of such a name may not do, whatever their policies say: `{ role: "ingest", action: "sqs:SendMessage" }`. */
interface Taken {
  readonly role: string;
  readonly action: string;
}

export interface IamOptions {
  /** Takes a permission away, to see the platform fail without it. */
  readonly without?: Taken;
  /** Policies of the keys that roles use. @default every key leaves it to the account */
  readonly keys?: KeyPolicies;
}

const text = (value: unknown): string => String(value);

export function createIam(context: LocalContext, options: IamOptions = {}): Iam {
  const roles = new Map<string, Role>();
  const policies = new Map<string, readonly Statement[]>();
  const decisions = new Map<string, Decision>();
  let taken = options.without;
  const asked = new Map<string, Set<string>>();
  const credentials = createCredentials();
  const arn = (kind: string, name: string) => `arn:aws:iam::${context.accountId}:${kind}/${name}`;

  const role = (name: string): Role => {
    const found = roles.get(name);
    if (found === undefined) throw new Error(`no role ${name} is declared in the program`);
    return found;
  };
  const attach = (roleName: string, policyName: string, statements: readonly Statement[]): void => {
    role(roleName).policies.set(policyName, statements);
    decisions.clear();
  };
  const documentOf = (value: unknown): readonly Statement[] => parsePolicy(value);

  function createRole({ name, inputs }: ResourceRequest): Created {
    const roleName = text(inputs.name ?? name).slice(0, 64);
    const created: Role = {
      name: roleName,
      arn: arn("role", roleName),
      trust: parsePolicy(inputs.assumeRolePolicy, "trust"),
      policies: new Map(),
    };
    if (roles.has(roleName)) throw new Error(`a role named ${roleName} exists already`);
    roles.set(roleName, created);
    for (const inline of (inputs.inlinePolicies ?? []) as { name?: string; policy?: unknown }[]) {
      attach(roleName, text(inline.name), documentOf(inline.policy));
    }
    for (const managed of (inputs.managedPolicyArns ?? []) as string[]) attach(roleName, managed, managedOf(managed));
    return { id: roleName, state: { ...inputs, name: roleName, arn: created.arn, uniqueId: `AROA${roleName}` } };
  }

  function managedOf(policyArn: string): readonly Statement[] {
    const own = policies.get(policyArn);
    if (own !== undefined) return own;
    const document = managedPolicies[policyArn];
    if (document === undefined)
      throw new Error(`the managed policy ${policyArn} is not known locally: add it to local/iamManaged.ts`);
    return documentOf(document);
  }

  function judge(roleName: string, action: string, resource: string, values: Context | undefined): Decision {
    if (taken !== undefined && taken.action === action && roleName.includes(taken.role)) return "implicit_deny";
    const caller = role(roleName);
    const request: AccessRequest = {
      action,
      resource,
      context: {
        "aws:securetransport": "true",
        "aws:requestedregion": context.region,
        "aws:principalarn": caller.arn,
        "aws:principalaccount": context.accountId,
        "aws:resourceaccount": context.accountId,
        ...values,
      },
    };
    if (options.keys?.leavesToAccount(request, resource) === false) return "implicit_deny";
    return evaluate([...caller.policies.values()].flat(), request);
  }

  function decide(roleName: string, action: string, resource: string, values: Context | undefined): Decision {
    const key = `${roleName}\n${action}\n${resource}\n${values === undefined ? "" : JSON.stringify(values)}`;
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const decision = judge(roleName, action, resource, values);
    if (decisions.size > 10_000) decisions.clear();
    decisions.set(key, decision);
    const calls = asked.get(roleName) ?? new Set();
    asked.set(roleName, calls.add(`${action} on ${resource}`));
    return decision;
  }

  return {
    resources: {
      "aws:iam/role:Role": async (request) => createRole(request),
      "aws:iam/policy:Policy": async ({ name, inputs }) => {
        const policyName = text(inputs.name ?? name);
        policies.set(arn("policy", policyName), documentOf(inputs.policy));
        return {
          id: arn("policy", policyName),
          state: { ...inputs, name: policyName, arn: arn("policy", policyName) },
        };
      },
      "aws:iam/rolePolicy:RolePolicy": async ({ name, inputs }) => {
        const policyName = text(inputs.name ?? name);
        const roleName = nameIn(text(inputs.role));
        attach(roleName, policyName, documentOf(inputs.policy));
        return { id: `${roleName}:${policyName}`, state: { ...inputs, name: policyName } };
      },
      "aws:iam/rolePolicyAttachment:RolePolicyAttachment": async ({ name, inputs }) => {
        const policyArn = text(inputs.policyArn);
        attach(nameIn(text(inputs.role)), policyArn, managedOf(policyArn));
        return { id: name, state: { ...inputs } };
      },
    },
    roleArn: (name) => role(name).arn,
    credentialsOf: credentials.of,
    callerOf: credentials.callerOf,
    trusts: (name, service) =>
      role(nameIn(name)).trust.some((statement) => statement.allow && isPrincipal(statement, "Service", service)),
    refusal(roleName, authorizations) {
      if (roleName === ADMINISTRATOR) return undefined;
      const known = roles.has(roleName);
      for (const { action, resources, context: values } of authorizations) {
        for (const resource of resources) {
          const decision = known ? decide(roleName, action, resource, values) : "implicit_deny";
          if (decision !== "allow") return { action, resource, role: roleName, decision };
        }
      }
      return undefined;
    },
    may: (roleName, action, resource, values) => judge(roleName, action, resource, values) === "allow",
    takeAway(wanted) {
      taken = wanted;
      decisions.clear();
    },
    asked: () => asked,
    close: async () => {},
  };
}
