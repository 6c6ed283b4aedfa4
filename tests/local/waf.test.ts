import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import type { Inputs, LocalContext } from "../../local/service.ts";
import { createWaf } from "../../local/waf.ts";
import { exampleGraph } from "../../program/graph.ts";
import { errorResponse, TriggersError } from "../../runtime/domain/errors/errors.ts";
import { testClock } from "./clock.ts";

const test = suite("AWS WAF");
const declared = (await exampleGraph("prod")).resources.find(({ type }) => type === "aws:wafv2/webAcl:WebAcl")!;
const context = { accountId: "000000000000", region: "us-east-1" } as LocalContext;

async function stand(perMinute: number) {
  const clock = testClock(0);
  const waf = createWaf(context, clock);
  const inputs = structuredClone(declared.inputs) as {
    rules: { statement: { rateBasedStatement: { limit: number } } }[];
  };
  inputs.rules[0]!.statement.rateBasedStatement.limit = perMinute;
  const { state } = await waf.resources["aws:wafv2/webAcl:WebAcl"]!({
    ...declared,
    inputs: inputs as unknown as Inputs,
  });
  const ask = (address: string) => waf.inspect(String(state.arn), address)?.status ?? 200;
  return { clock, ask, waf, arn: String(state.arn) };
}

test("an address is refused from the first request beyond its limit, another one is not", async () => {
  const { ask } = await stand(10);
  const answers = Array.from({ length: 12 }, () => ask("192.0.2.1"));
  assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 200), 429, 429]);
  assert.equal(ask("192.0.2.2"), 200);
});

test("an address that stops is let in again a minute later", async () => {
  const { ask, clock } = await stand(10);
  for (let i = 0; i < 11; i += 1) ask("192.0.2.1");
  clock.advance(59_000);
  assert.equal(ask("192.0.2.1"), 429);
  clock.advance(60_000);
  assert.equal(ask("192.0.2.1"), 200);
});

test("a refusal has the format of every other error", async () => {
  const { waf, ask, arn } = await stand(10);
  for (let i = 0; i < 10; i += 1) ask("192.0.2.1");
  const { status, headers, body } = waf.inspect(arn, "192.0.2.1")!;
  const expected = errorResponse(new TriggersError("rate_limited", "This address sends too many requests."), "none");
  assert.deepEqual([status, body], [expected.status, expected.body]);
  assert.deepEqual([headers["content-type"], headers["retry-after"]], ["application/json", "60"]);
});

test("a caller that stays below the limit in every minute is never refused", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 60 }), async (pauses) => {
      const { ask, clock } = await stand(10);
      const times: number[] = [];
      for (const pause of pauses) {
        clock.advance(pause);
        const second = Math.floor(clock.now() / 1_000);
        times.push(second);
        const within = times.filter((one) => one > second - 60).length;
        assert.equal(ask("192.0.2.1"), within > 10 ? 429 : 200);
      }
    }),
    { numRuns: 50 },
  ));

const broken: readonly (readonly [what: string, change: (inputs: Record<string, never>) => void, says: RegExp])[] = [
  [
    "a limit below ten",
    (acl) => set(acl, "rules.0.statement.rateBasedStatement.limit", 9),
    /has a limit of 9, and the least is 10$/,
  ],
  [
    "a window of its own",
    (acl) => set(acl, "rules.0.statement.rateBasedStatement.evaluationWindowSec", 30),
    /looks at 30 s/,
  ],
  ["another region", (acl) => set(acl, "region", "eu-west-1"), /a web ACL of CloudFront is in us-east-1$/],
  [
    "an answer that is not there",
    (acl) => set(acl, "customResponseBodies", []),
    /answers with a body that is not there$/,
  ],
  ["another kind of rule", (acl) => set(acl, "rules.0.statement", { geoMatchStatement: {} }), /is no rate rule/],
];
function set(target: unknown, path: string, value: unknown): void {
  const members = path.split(".");
  const last = members.pop()!;
  const parent = members.reduce<Record<string, unknown>>(
    (at, member) => at[member] as Record<string, unknown>,
    target as Record<string, unknown>,
  );
  parent[last] = value;
}
for (const [what, change, says] of broken)
  test(`a web ACL with ${what} is refused`, async () => {
    const inputs = structuredClone(declared.inputs) as Record<string, never>;
    change(inputs);
    await assert.rejects(createWaf(context).resources["aws:wafv2/webAcl:WebAcl"]!({ ...declared, inputs }), says);
  });

test.run();
