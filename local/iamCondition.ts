/**
 * The Condition element of a policy ("IAM JSON policy elements: Condition operators"). All keys of all operators must
 * hold; several values of one key are alternatives, for a negated operator none of them may match.
 */

/** Condition keys in lower case, with one or several values. */
export type Context = Readonly<Record<string, string | readonly string[] | undefined>>;

type Compare = (actual: string, expected: string) => boolean;

const like = (actual: string, pattern: string): boolean => {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[^]*")
    .replace(/\?/g, "[^]");
  return new RegExp(`^${source}$`).test(actual);
};

/** Each of the six parts of an ARN is matched by itself, so that `*` does not reach over a colon. */
const arnLike: Compare = (actual, pattern) => {
  const actualParts = split(actual);
  const patternParts = split(pattern);
  return (
    actualParts.length === patternParts.length && patternParts.every((part, i) => like(actualParts[i] as string, part))
  );
};
const split = (arn: string): string[] => {
  const parts = arn.split(":");
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
};

const instant = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

function inRange(address: string, range: string): boolean {
  const [base, bits = "32"] = range.split("/");
  const number = (text: string): number => {
    const parts = text.split(".").map(Number);
    if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) {
      throw new Error(`policy: only IPv4 ranges can be compared, not ${JSON.stringify(text)}`);
    }
    return parts.reduce((sum, part) => sum * 256 + part, 0);
  };
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base as string) / size);
}

const positive: Readonly<Record<string, Compare>> = {
  StringEquals: (a, b) => a === b,
  StringEqualsIgnoreCase: (a, b) => a.toLowerCase() === b.toLowerCase(),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  NumericEquals: (a, b) => Number(a) === Number(b),
  NumericLessThan: (a, b) => Number(a) < Number(b),
  NumericLessThanEquals: (a, b) => Number(a) <= Number(b),
  NumericGreaterThan: (a, b) => Number(a) > Number(b),
  NumericGreaterThanEquals: (a, b) => Number(a) >= Number(b),
  DateEquals: (a, b) => instant(a) === instant(b),
  DateLessThan: (a, b) => instant(a) < instant(b),
  DateLessThanEquals: (a, b) => instant(a) <= instant(b),
  DateGreaterThan: (a, b) => instant(a) > instant(b),
  DateGreaterThanEquals: (a, b) => instant(a) >= instant(b),
  Bool: (a, b) => a.toLowerCase() === b.toLowerCase(),
  BinaryEquals: (a, b) => a === b,
  IpAddress: inRange,
};

const negated: Readonly<Record<string, string>> = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  ArnNotEquals: "ArnEquals",
  ArnNotLike: "ArnLike",
  NumericNotEquals: "NumericEquals",
  DateNotEquals: "DateEquals",
  NotIpAddress: "IpAddress",
};

/** A policy variable's value, `${aws:PrincipalTag/team}`; undefined when the request lacks one of them. */
export function substitute(text: string, context: Context): string | undefined {
  let missing = false;
  const filled = text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (name === "*" || name === "?" || name === "$") return name;
    const [key = "", fallback] = name.split(/\s*,\s*/);
    const value = context[key.trim().toLowerCase()];
    if (typeof value === "string") return value;
    if (fallback !== undefined) return fallback.replace(/^'|'$/g, "");
    missing = true;
    return "";
  });
  return missing ? undefined : filled;
}

type Test = (context: Context) => boolean;

function compile(operator: string, key: string, expected: readonly string[]): Test {
  const name = key.toLowerCase();
  const valuesOf = (context: Context): readonly string[] | undefined => {
    const value = context[name];
    return value === undefined || typeof value === "object" ? (value as readonly string[] | undefined) : [value];
  };
  if (operator === "Null") {
    return (context) =>
      expected.some((value) => (value.toLowerCase() === "true") === (valuesOf(context) === undefined));
  }
  const quantified = /^(ForAllValues|ForAnyValue):(.+)$/.exec(operator);
  const quantifier = quantified?.[1];
  const rest = quantified?.[2] ?? operator;
  const ifExists = rest.endsWith("IfExists");
  const plain = ifExists ? rest.slice(0, -"IfExists".length) : rest;
  const not = Object.hasOwn(negated, plain);
  const compare = Object.hasOwn(positive, not ? (negated[plain] as string) : plain)
    ? positive[not ? (negated[plain] as string) : plain]
    : undefined;
  if (compare === undefined) throw new Error(`policy: unknown condition operator ${operator}`);
  const holds = (actual: string, context: Context): boolean => {
    const some = expected.some((value) => {
      const filled = value.includes("${") ? substitute(value, context) : value;
      return filled !== undefined && compare(actual, filled);
    });
    return some !== not;
  };
  return (context) => {
    const values = valuesOf(context);
    if (values === undefined) return ifExists || quantifier === "ForAllValues" || (not && quantifier === undefined);
    if (quantifier === "ForAllValues" || (not && quantifier === undefined))
      return values.every((value) => holds(value, context));
    return values.some((value) => holds(value, context));
  };
}

/** @throws Error naming an operator that is not known, or a malformed element */
export function compileConditions(condition: unknown): Test {
  if (condition === undefined) return () => true;
  if (typeof condition !== "object" || condition === null) throw new Error("policy: Condition must be an object");
  const tests: Test[] = [];
  for (const [operator, keys] of Object.entries(condition)) {
    if (typeof keys !== "object" || keys === null) throw new Error(`policy: Condition.${operator} must be an object`);
    for (const [key, value] of Object.entries(keys as Record<string, unknown>)) {
      const expected = (Array.isArray(value) ? value : [value]).map(String);
      tests.push(compile(operator, key, expected));
    }
  }
  return (context) => tests.every((test) => test(context));
}
