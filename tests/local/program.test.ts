import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "uvu";
import { runProgram } from "../../local/program.ts";

test("two resources of one type and name are refused, as an engine refuses them", () =>
  assert.rejects(
    runProgram({
      entry: join(import.meta.dirname, "programs/twice.ts"),
      project: "triggers",
      stack: "local",
      config: { "aws:region": "us-east-1" },
      services: [],
      context: { region: "us-east-1", accountId: "000000000000" } as never,
    }),
    {
      message:
        'aws:ec2/securityGroup:SecurityGroup "group": Duplicate resource URN aws:ec2/securityGroup:SecurityGroup::group; try giving it a unique name',
    },
  ));

test.run();
