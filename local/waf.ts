import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { GeneratedResponse } from "./cloudfront/viewerFunction.ts";
import { list, onlySupports, physicalName, required } from "./declared.ts";
import type { Created, Inputs, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/**
 * AWS WAF on one machine: web ACLs before a distribution, with rate rules by address. A rule counts what came from an address within its window and
 * blocks while that is above its limit; what it blocks counts too. AWS counts every few seconds, so that its rule bites some seconds later than this
 * one. Any other statement or action is refused by name. Source: AWS WAF developer guide, "Rate-based rule statement".
 */
export interface Waf extends LocalService {
  /** Looks at a request before anything else does. @returns the answer to one that is blocked @throws Error for an ACL that is not there */
  inspect(aclArn: string, address: string): GeneratedResponse | undefined;
  has(aclArn: string): boolean;
}

interface RateRule {
  readonly limit: number;
  readonly windowMs: number;
  readonly blocked: GeneratedResponse;
  /** Requests by address: a count for each second of the window. */
  readonly counts: Map<string, Map<number, number>>;
}

/** Limits and windows that AWS takes. Source: WAFV2 API reference, RateBasedStatement. */
const LEAST_LIMIT = 10;
const WINDOWS = [60, 120, 300, 600];
/** Addresses are forgotten once there are so many: the oldest first. */
const ADDRESSES = 100_000;

export function createWaf(context: LocalContext, clock: Clock = systemClock): Waf {
  const acls = new Map<string, readonly RateRule[]>();

  async function createAcl(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "name namePrefix description scope defaultAction rules visibilityConfig customResponseBodies",
    );
    const { inputs, type, name } = request;
    if (required(request, "scope") !== "CLOUDFRONT")
      throw new Error(`${type} "${name}": the local platform has web ACLs of CloudFront alone`);
    if ((inputs.region ?? "us-east-1") !== "us-east-1")
      throw new Error(`${type} "${name}": a web ACL of CloudFront is in us-east-1`);
    if ((inputs.defaultAction as Inputs | undefined)?.allow === undefined)
      throw new Error(`${type} "${name}": the local platform lets through what no rule blocks`);
    const physical = physicalName(request);
    const arn = `arn:aws:wafv2:us-east-1:${context.accountId}:global/webacl/${physical}/local`;
    acls.set(
      arn,
      list(inputs.rules).map((rule) => readRule(rule, list(inputs.customResponseBodies))),
    );
    return { id: "local", state: { ...inputs, name: physical, arn, capacity: 2 } };
  }

  /** Requests of the address within the window, this one among them. */
  function count({ counts, windowMs }: RateRule, address: string): number {
    const second = Math.floor(clock.now() / 1_000);
    const known = counts.get(address) ?? new Map<number, number>();
    counts.delete(address);
    counts.set(address, known);
    if (counts.size > ADDRESSES) counts.delete(counts.keys().next().value!);
    for (const old of known.keys()) if (old <= second - windowMs / 1_000) known.delete(old);
    known.set(second, (known.get(second) ?? 0) + 1);
    return [...known.values()].reduce((sum, one) => sum + one, 0);
  }

  return {
    resources: { "aws:wafv2/webAcl:WebAcl": createAcl },
    has: (arn) => acls.has(arn),
    inspect(arn, address) {
      const rules = acls.get(arn);
      if (rules === undefined) throw new Error(`there is no web ACL ${arn}`);
      return rules.find((rule) => count(rule, address) > rule.limit)?.blocked;
    },
    async close() {},
  };
}

/** @throws Error naming what is not supported, or what AWS would refuse */
function readRule(rule: Inputs, bodies: readonly Inputs[]): RateRule {
  const refuse = (what: string) => new Error(`the rule ${String(rule.name)} of a web ACL ${what}`);
  const statement = (rule.statement as Inputs | undefined)?.rateBasedStatement as Inputs | undefined;
  if (statement === undefined) throw refuse("is no rate rule, and the local platform has no other");
  if ((statement.aggregateKeyType ?? "IP") !== "IP" || statement.scopeDownStatement !== undefined)
    throw refuse("counts otherwise than by address alone");
  const limit = Number(statement.limit);
  const window = Number(statement.evaluationWindowSec ?? 300);
  if (!Number.isInteger(limit) || limit < LEAST_LIMIT)
    throw refuse(`has a limit of ${limit}, and the least is ${LEAST_LIMIT}`);
  if (!WINDOWS.includes(window)) throw refuse(`looks at ${window} s, and may at ${WINDOWS.join(", ")}`);
  const block = (rule.action as Inputs | undefined)?.block as Inputs | undefined;
  if (block === undefined) throw refuse("does not block, and the local platform has no other action");
  const custom = block.customResponse as Inputs | undefined;
  const body = bodies.find(({ key }) => key === custom?.customResponseBodyKey);
  if (custom?.customResponseBodyKey !== undefined && body === undefined)
    throw refuse("answers with a body that is not there");
  return {
    limit,
    windowMs: window * 1_000,
    counts: new Map(),
    blocked: {
      status: Number(custom?.responseCode ?? 403),
      headers: {
        "x-cache": "Error from cloudfront",
        ...defined({
          "content-type": mapDefined(body, (body) => contentTypes[String(body.contentType)] ?? "text/plain"),
        }),
        ...Object.fromEntries(
          list(custom?.responseHeaders).map(({ name, value }) => [String(name).toLowerCase(), String(value)]),
        ),
      },
      body: String(body?.content ?? ""),
    },
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  APPLICATION_JSON: "application/json",
  TEXT_HTML: "text/html",
  TEXT_PLAIN: "text/plain",
};
