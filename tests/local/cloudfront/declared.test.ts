import assert from "node:assert/strict";
import { suite } from "uvu";
import { readDistribution } from "../../../local/cloudfront/declared.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { distributionParts } from "../../support/distributionParts.ts";

const test = suite("declared distributions");

interface Group {
  readonly members?: readonly string[];
  readonly statusCodes?: readonly number[];
  readonly allowedMethods?: readonly string[];
}

/** A distribution with two origins and a group of them. */
const withGroup = ({ members = ["a", "b"], statusCodes = [404], allowedMethods = ["GET", "HEAD"] }: Group) =>
  readDistribution(
    "E1",
    {
      enabled: true,
      origins: ["a", "b"].map((originId) => ({ originId, domainName: `${originId}.example` })),
      originGroups: [
        {
          originId: "group",
          failoverCriteria: { statusCodes },
          members: members.map((originId) => ({ originId })),
        },
      ],
      defaultCacheBehavior: { targetOriginId: "group", allowedMethods },
    },
    distributionParts,
  );

test("a behaviour may name a group of two origins", () => {
  const { failover, domain } = withGroup({ statusCodes: [403, 404] }).behaviours[0]!.origin;
  assert.deepEqual([domain, failover?.origin.domain, [...failover!.statuses]], ["a.example", "b.example", [403, 404]]);
});

const refused: [what: string, group: Group, why: RegExp][] = [
  ["a group of one", { members: ["a"] }, /has to have two origins/],
  ["a group of the same twice", { members: ["a", "a"] }, /has to have two origins/],
  ["a group with an unknown origin", { members: ["a", "c"] }, /names an origin that is not there/],
  ["a group without a status", { statusCodes: [] }, /at no status/],
  ["a status that is no failure", { statusCodes: [404, 200] }, /at 200/],
  ["a method that changes something", { allowedMethods: ["GET", "HEAD", "POST"] }, /allows no other methods/],
];
for (const [what, group, why] of refused)
  test(`${what} is refused, as CloudFront refuses it`, () => {
    assert.throws(() => withGroup(group), why);
  });

test("an unsupported setting is refused by its name", () => {
  const inputs = { enabled: true, origins: [{ originId: "a", domainName: "a.example", s3OriginConfig: { x: 1 } }] };
  assert.throws(() => readDistribution("E1", defined(inputs), distributionParts), /does not support "s3OriginConfig"/);
});

test.run();
