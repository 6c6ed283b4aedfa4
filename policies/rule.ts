/**
 * What a policy is here: data that says whom it concerns, what it proves, which control it serves and what to do, with a
 * check that says what is wrong. The same rules run in a Pulumi preview (pack.ts) and offline (compliance.ts).
 */

// A provider may declare any member: a rule looks at those it knows.
export type Props = Readonly<Record<string, unknown>>;

export interface Resource {
  /** Pulumi type token, `aws:sqs/queue:Queue`. */
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Props;
  /** Pulumi refuses to delete it. */
  readonly protect: boolean;
  /** URNs of the resources that an argument was made from, where the engine tells. */
  readonly sources?: Readonly<Record<string, readonly string[]>>;
}

export interface Stack {
  readonly resources: readonly Resource[];
  of(type: string): readonly Resource[];
}

export const stackOf = (resources: readonly Resource[]): Stack => {
  const byType = new Map<string, Resource[]>();
  for (const resource of resources) byType.set(resource.type, [...(byType.get(resource.type) ?? []), resource]);
  return { resources, of: (type) => byType.get(type) ?? [] };
};

export type Severity = "low" | "medium" | "high" | "critical";

export interface Rule {
  /** Kebab case, and the id in every report. */
  readonly name: string;
  /** What holds of every subject, as a sentence. */
  readonly description: string;
  readonly severity: Severity;
  /** What to do when it fails, as an imperative sentence. */
  readonly remedy: string;
  /** Controls it is evidence for. @example ["FSBP SQS.1", "GDPR Art. 32(1)(a)"] */
  readonly serves: readonly string[];
  /** Types that it looks at. */
  readonly subjects: readonly string[];
  /** Members shown as evidence, by path. @example ["kmsMasterKeyId"] */
  readonly evidence: readonly string[];
  /** Whether the check looks at other resources too, so that it has to wait for the whole stack. @default false */
  readonly wholeStack?: boolean;
  /** What is wrong with the subject, without a full stop; undefined when it complies. */
  check(subject: Resource, stack: Stack): string | undefined;
}

export interface Finding {
  readonly rule: Rule;
  readonly resource: Resource;
  /** Names the resource, what is wrong and the remedy. */
  readonly message: string;
}

const messageOf = (rule: Rule, resource: Resource, problem: string): string =>
  `${resource.name}: ${problem}. ${rule.remedy}`;

/** What is wrong with one subject, undefined when it complies. */
export function examine(rule: Rule, resource: Resource, stack: Stack): Finding | undefined {
  const problem = rule.check(resource, stack);
  return problem === undefined ? undefined : { rule, resource, message: messageOf(rule, resource, problem) };
}

/** The member at a path such as `viewerCertificate.minimumProtocolVersion` or `auths.0.iamAuth`. */
export const at = (props: Props, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (value, member) => (typeof value === "object" && value !== null ? (value as Props)[member] : undefined),
      props,
    );

export const textAt = (props: Props, path: string): string => {
  const value = at(props, path);
  return typeof value === "string" ? value : "";
};

export const listAt = (props: Props, path: string): readonly Props[] => {
  const value = at(props, path);
  return Array.isArray(value) ? (value as Props[]) : [];
};

/** Every text in a value, JSON inside a text taken apart. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") {
    if (!/^[[{]/.test(value)) return [value];
    try {
      return textsIn(JSON.parse(value));
    } catch {
      return [value];
    }
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/**
 * Whether an argument of one resource stands for another. A preview does not know ARNs yet, but the engine knows what an
 * argument was made from; offline the values are known. Names are compared whole: `alarms` is not `edge-alarms`.
 */
export function refersTo(resource: Resource, argument: string, target: Resource): boolean {
  const sources = resource.sources?.[argument];
  if (sources !== undefined && sources.length > 0) return sources.includes(target.urn);
  const known = ["arn", "url", "bucket", "id", "name", "qualifiedArn"]
    .map((member) => target.props[member])
    .filter((one): one is string => typeof one === "string" && one !== "");
  return textsIn(resource.props[argument]).some((text) =>
    known.some((one) => text === one || text.includes(`"${one}"`)),
  );
}

/** Statements of an IAM policy document in an argument, each with lists for its members. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principal: unknown;
  readonly notPrincipal: unknown;
  readonly condition: unknown;
}

const many = (value: unknown): string[] =>
  Array.isArray(value) ? (value as string[]) : value === undefined ? [] : [String(value)];

/** @throws SyntaxError when the document is not JSON */
export function statementsOf(document: unknown): Statement[] {
  const parsed = (typeof document === "string" ? JSON.parse(document) : document) as Props | undefined;
  const statements = parsed?.Statement;
  return (Array.isArray(statements) ? (statements as Props[]) : []).map((statement) => ({
    effect: String(statement.Effect),
    actions: many(statement.Action),
    resources: many(statement.Resource),
    principal: statement.Principal,
    notPrincipal: statement.NotPrincipal,
    condition: statement.Condition,
  }));
}

/** Whether a value is the ARN of a customer-managed key, never an alias of AWS's own (`alias/aws/…`) or the name of a mode. */
export const isOwnKey = (value: unknown): boolean =>
  typeof value === "string" && /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d+:(key\/|alias\/(?!aws\/))./.test(value);
