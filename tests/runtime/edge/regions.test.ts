import assert from "node:assert/strict";
import { test } from "uvu";
import { nearestFirst } from "../../../runtime/edge/regions.ts";

const replicas = ["us-east-1", "eu-west-1", "ap-southeast-2"];
const rows: [here: string, order: string[]][] = [
  ["us-east-1", ["us-east-1", "eu-west-1", "ap-southeast-2"]],
  ["us-west-2", ["us-east-1", "eu-west-1", "ap-southeast-2"]],
  ["eu-central-1", ["eu-west-1", "us-east-1", "ap-southeast-2"]],
  ["ap-northeast-1", ["ap-southeast-2", "eu-west-1", "us-east-1"]],
  ["sa-east-1", ["us-east-1", "eu-west-1", "ap-southeast-2"]],
];
for (const [here, order] of rows) {
  test(`from ${here} the nearest replica is ${order[0]}`, () => assert.deepEqual(nearestFirst(here, replicas), order));
}

test("from an unknown region, the order stays", () => assert.deepEqual(nearestFirst("xx-new-1", replicas), replicas));
test("an unknown replica comes last", () =>
  assert.deepEqual(nearestFirst("eu-west-2", ["xx-new-1", "eu-west-1"]), ["eu-west-1", "xx-new-1"]));

test.run();
