/**
 * Evaluates identity policies as AWS documents it ("Policy evaluation logic", IAM User Guide): an explicit deny wins,
 * then an allow, else an implicit deny. A policy with an unknown member, condition operator or version is an error when it is
 * read, before it could decide anything.
 */

import { defined } from "../runtime/domain/defined.ts";
import { type Context, compileConditions, substitute } from "./iamCondition.ts";

export type { Context } from "./iamCondition.ts";

export interface AccessRequest {
  /** `sqs:SendMessage` */
  readonly action: string;
  /** One ARN, or `*` for actions without a resource. */
  readonly resource: string;
  /** Condition keys in lower case: `aws:sourcearn`. */
  readonly context: Context;
}

export type Decision = "allow" | "explicit_deny" | "implicit_deny";

export interface Statement {
  readonly sid?: string;
  readonly allow: boolean;
  readonly principals?: Principals;
  appliesTo(request: AccessRequest): boolean;
}

/** `{ Service: ["lambda.amazonaws.com"] }`; `"*"` for anyone. */
export type Principals = "*" | Readonly<Record<string, readonly string[]>>;

type Json = Readonly<Record<string, unknown>>;

const MEMBERS = new Set(["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"]);

/** A pattern with `*` (any run) and `?` (one character) as a test. */
export function wildcard(pattern: string, ignoreCase = false): (text: string) => boolean {
  if (pattern === "*") return () => true;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[^]*")
    .replace(/\?/g, "[^]");
  const expression = new RegExp(`^${source}$`, ignoreCase ? "i" : "");
  return (text) => expression.test(text);
}

const list = (value: unknown, where: string): string[] => {
  const values = Array.isArray(value) ? value : [value];
  for (const one of values)
    if (typeof one !== "string") throw new Error(`policy: ${where} must be text, or a list of it`);
  return values as string[];
};

function actionTest(statement: Json): (action: string) => boolean {
  const not = statement.Action === undefined;
  const value = not ? statement.NotAction : statement.Action;
  if (value === undefined || (!not && statement.NotAction !== undefined)) {
    throw new Error("policy: a statement needs exactly one of Action and NotAction");
  }
  const tests = list(value, not ? "NotAction" : "Action").map((pattern) => wildcard(pattern, true));
  return (action) => tests.some((matches) => matches(action)) !== not;
}

function resourceTest(statement: Json, needed: boolean): (request: AccessRequest) => boolean {
  const not = statement.Resource === undefined;
  const value = not ? statement.NotResource : statement.Resource;
  if (value === undefined) {
    if (needed) throw new Error("policy: a statement needs one of Resource and NotResource");
    return () => true;
  }
  const tests = list(value, not ? "NotResource" : "Resource").map((pattern) => {
    if (!pattern.includes("${")) {
      const matches = wildcard(pattern);
      return (request: AccessRequest) => matches(request.resource);
    }
    return (request: AccessRequest) => {
      const filled = substitute(pattern, request.context);
      return filled !== undefined && wildcard(filled)(request.resource);
    };
  });
  return (request) => tests.some((matches) => matches(request)) !== not;
}

function principalsOf(value: unknown): Principals | undefined {
  if (value === undefined) return undefined;
  if (value === "*") return "*";
  if (typeof value !== "object" || value === null) throw new Error("policy: Principal must be an object or *");
  return Object.fromEntries(Object.entries(value).map(([kind, names]) => [kind, list(names, `Principal.${kind}`)]));
}

/**
 * Reads a policy document, text or object. @param kind `identity` policies name resources, `trust` policies principals
 * @throws Error naming the missing, unknown or malformed member
 */
export function parsePolicy(document: unknown, kind: "identity" | "resource" | "trust" = "identity"): Statement[] {
  const policy = (typeof document === "string" ? JSON.parse(document) : document) as Json;
  if (policy.Version !== undefined && policy.Version !== "2012-10-17" && policy.Version !== "2008-10-17") {
    throw new Error(`policy: unknown Version ${JSON.stringify(policy.Version)}`);
  }
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return statements.map((statement: Json): Statement => {
    if (typeof statement !== "object" || statement === null) throw new Error("policy: no Statement");
    for (const member of Object.keys(statement)) {
      if (!MEMBERS.has(member)) throw new Error(`policy: unknown member ${member} in a statement`);
    }
    if (statement.Effect !== "Allow" && statement.Effect !== "Deny") {
      throw new Error(`policy: Effect must be Allow or Deny, not ${JSON.stringify(statement.Effect)}`);
    }
    if (kind === "identity" && statement.Principal !== undefined) {
      throw new Error("policy: an identity policy must not name a Principal");
    }
    const action = actionTest(statement);
    const resource = resourceTest(statement, kind === "identity");
    const conditions = compileConditions(statement.Condition);
    const principals = principalsOf(statement.Principal);
    return {
      allow: statement.Effect === "Allow",
      ...(typeof statement.Sid === "string" ? { sid: statement.Sid } : {}),
      ...defined({ principals }),
      appliesTo: (request) => action(request.action) && resource(request) && conditions(request.context),
    };
  });
}

/** Explicit deny, else allow, else implicit deny. */
export function evaluate(statements: Iterable<Statement>, request: AccessRequest): Decision {
  let allowed = false;
  for (const statement of statements) {
    if (!statement.appliesTo(request)) continue;
    if (!statement.allow) return "explicit_deny";
    allowed = true;
  }
  return allowed ? "allow" : "implicit_deny";
}

/** Whether a principal such as `{ Service: "lambda.amazonaws.com" }` is one that the statement is about. */
export function isPrincipal(statement: Statement, kind: string, name: string): boolean {
  if (statement.principals === undefined) return false;
  if (statement.principals === "*") return true;
  const names = statement.principals[kind] ?? [];
  return names.includes(name) || names.includes("*");
}
