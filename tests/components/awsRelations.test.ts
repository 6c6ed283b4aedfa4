import assert from "node:assert/strict";
import { test } from "uvu";
import { exampleGraph, examples, type Graph } from "../../program/graph.ts";
import { awsRelations } from "./awsRelations.ts";

const stacks = new Map<string, Graph>();
for (const stack of examples) stacks.set(stack, await exampleGraph(stack));

for (const { says, source, problems, breaks } of awsRelations) {
  for (const [stack, graph] of stacks)
    test(`in ${stack} ${says}`, () => assert.deepEqual(problems(graph), [], `${says} (${source})`));
  for (const { what, change, finds, stack = "prod" } of breaks)
    test(`${says}, and not when ${what}`, () => {
      const graph = stacks.get(stack)!;
      assert.deepEqual(problems({ ...graph, resources: change(graph.resources) }), finds);
    });
}

test("every relation has a change of the program that breaks it", () =>
  assert.deepEqual(
    awsRelations.filter(({ breaks }) => breaks.length === 0).map(({ says }) => says),
    [],
  ));

test.run();
