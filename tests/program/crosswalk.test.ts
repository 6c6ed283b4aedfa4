import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { type Child, declaredByVpc, type VpcArguments } from "../../program/crosswalk.ts";
import vpcs from "../corpus/awsx/vpc.json" with { type: "json" };

const zonesOfRegion = ["a", "b", "c", "d", "e", "f"].map((zone) => `us-east-1${zone}`);
const byName = (a: Pick<Child, "type" | "name">, b: Pick<Child, "type" | "name">) =>
  `${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1;

for (const { name, arguments: args, declares } of vpcs.recorded)
  test(`awsx declares for "${name}" what is foretold here`, () =>
    assert.deepEqual(
      declaredByVpc(name, args, zonesOfRegion)
        .children.map(({ id: _, ...child }) => child)
        .sort(byName),
      declares.sort(byName),
    ));

const isolated = (zones: number): VpcArguments => ({
  cidrBlock: "10.64.0.0/16",
  availabilityZoneCidrMask: 18,
  numberOfAvailabilityZones: zones,
  natGateways: { strategy: "None" },
  subnetStrategy: "Auto",
  subnetSpecs: [{ type: "Isolated", cidrMask: 20 }],
});

test("with a size for each zone, another zone leaves the addresses of the others alone", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), (zones) => {
      const declared = (count: number) =>
        declaredByVpc("network", isolated(count), zonesOfRegion).children.map((child) => JSON.stringify(child));
      const more = new Set(declared(zones + 1));
      assert.deepEqual(
        declared(zones).filter((child) => !more.has(child)),
        [],
      );
    }),
  ));

test("an argument that changes the declaration in an unknown way is refused", () =>
  assert.throws(() => declaredByVpc("network", { ...isolated(2), assignGeneratedIpv6CidrBlock: true }, zonesOfRegion), {
    message: 'awsx:ec2:Vpc "network": not understood here: assignGeneratedIpv6CidrBlock',
  }));

test.run();
