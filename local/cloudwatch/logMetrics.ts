/**
 * Metrics that come out of log lines: the embedded metric format, and metric filters over JSON lines.
 * Sources: CloudWatch User Guide, "Specification: Embedded metric format"; CloudWatch Logs User Guide, "Filter pattern syntax for metric
 * filters", part on JSON events.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import jsep, { type BinaryExpression, type Literal } from "jsep";
import type { Metrics } from "./metrics.ts";

type Line = Readonly<Record<string, unknown>>;

export interface MetricFilter {
  matches(line: Line): boolean;
  readonly namespace: string;
  readonly name: string;
  /** A number, or `$.member` of the line. */
  readonly value: string;
}

// A filter compares with one equals sign.
jsep.addBinaryOp("=", 6);

const memberOf = (line: Line, path: string): unknown =>
  path
    .split(".")
    .slice(1)
    .reduce<unknown>(
      (value, name) => (typeof value === "object" && value !== null ? (value as Line)[name] : undefined),
      line,
    );

const pathOf = (node: jsep.Expression): string => {
  if (node.type === "Identifier") return String(node.name);
  if (node.type === "MemberExpression" && node.computed === false)
    return `${pathOf(node.object as jsep.Expression)}.${pathOf(node.property as jsep.Expression)}`;
  throw new Error(`the local CloudWatch does not support ${node.type} in a filter pattern`);
};

/** @throws Error naming what is not supported */
export function compilePattern(pattern: string): MetricFilter["matches"] {
  const inner = /^\s*\{([\s\S]*)\}\s*$/.exec(pattern)?.[1];
  if (inner === undefined)
    throw new Error(`the local CloudWatch supports filter patterns over JSON only, not ${pattern}`);
  const tree = jsep(inner.replace(/(!?=)\s*\*/g, '$1 "*"'));
  const test = (node: jsep.Expression): MetricFilter["matches"] => {
    if (node.type !== "BinaryExpression") throw new Error(`a filter pattern compares members, ${node.type} does not`);
    const { operator, left, right } = node as BinaryExpression;
    if (operator === "&&" || operator === "||") {
      const [one, other] = [test(left), test(right)];
      return operator === "&&" ? (line) => one(line) && other(line) : (line) => one(line) || other(line);
    }
    const path = pathOf(left);
    const { value } = right as Literal;
    const equal = (line: Line) => {
      const found = memberOf(line, path);
      return value === "*" ? found !== undefined : found === value;
    };
    if (operator === "=") return equal;
    if (operator === "!=") return (line) => !equal(line);
    throw new Error(`the local CloudWatch does not support "${operator}" in a filter pattern`);
  };
  return test(tree);
}

interface Embedded {
  readonly Timestamp?: number;
  readonly CloudWatchMetrics?: readonly {
    readonly Namespace: string;
    readonly Dimensions?: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** Reads what was added to a function's log file since it was read last. */
export class LogTail {
  readonly #path: string;
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** From what is added from now on. */
  static atEnd(path: string): LogTail {
    const tail = new LogTail(path);
    tail.#offset = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return tail;
  }

  /** Whole lines, oldest first. A file that was begun anew is read from its start. */
  lines(): string[] {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.#offset) {
      this.#offset = 0;
      this.#rest = "";
    }
    if (size === this.#offset) return [];
    const bytes = Buffer.alloc(size - this.#offset);
    const file = openSync(this.#path, "r");
    const read = readSync(file, bytes, 0, bytes.length, this.#offset);
    closeSync(file);
    this.#offset += read;
    const lines = (this.#rest + bytes.subarray(0, read).toString()).split("\n");
    this.#rest = lines.pop()!;
    return lines;
  }
}

/** Records what a log line says of metrics. */
export function recordLine(text: string, filters: readonly MetricFilter[], metrics: Metrics): void {
  // Parsing is left out for lines without metrics, which are most.
  if (!text.includes('"_aws"') && filters.length === 0) return;
  let line: Line;
  try {
    line = JSON.parse(text) as Line;
  } catch {
    return;
  }
  const at = typeof line.timestamp === "string" ? Date.parse(line.timestamp) : undefined;
  for (const { matches, namespace, name, value } of filters) {
    if (!matches(line)) continue;
    const number = Number(value.startsWith("$.") ? memberOf(line, value) : value);
    if (Number.isFinite(number)) metrics.record(namespace, name, {}, number, at);
  }
  const embedded = line._aws as Embedded | undefined;
  for (const { Namespace, Dimensions = [[]], Metrics } of embedded?.CloudWatchMetrics ?? []) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(line[name])]));
      for (const { Name } of Metrics) {
        for (const value of [line[Name]].flat())
          metrics.record(Namespace, Name, dimensions, Number(value), embedded?.Timestamp);
      }
    }
  }
}
