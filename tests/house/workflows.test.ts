import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { parse } from "yaml";

/** What a workflow of GitHub's must hold to, as far as this project cares. */
interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly name: string;
  readonly on: unknown;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly "timeout-minutes"?: number; readonly "runs-on": string; readonly steps: Step[] }>
  >;
}

const root = join(import.meta.dirname, "../..");
const files = globSync(".github/workflows/*.yaml", { cwd: root }).sort();
const workflows = files.map((file) => [file, parse(readFileSync(join(root, file), "utf8")) as Workflow] as const);
const scripts = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> })
  .scripts;
const steps = (workflow: Workflow): Step[] => Object.values(workflow.jobs).flatMap((job) => job.steps);

test("there is a workflow each for checks, previews and deployments", () =>
  assert.deepEqual(files, [
    ".github/workflows/check.yaml",
    ".github/workflows/deploy.yaml",
    ".github/workflows/preview.yaml",
  ]));

for (const [file, workflow] of workflows) {
  test(`${file} says what it may do, and every job ends by itself`, () => {
    assert.equal(workflow.permissions?.contents, "read");
    for (const job of Object.values(workflow.jobs)) assert.ok((job["timeout-minutes"] ?? 0) > 0);
  });

  test(`${file} pins every action to a version`, () =>
    assert.deepEqual(
      steps(workflow)
        .map(({ uses }) => uses)
        .filter((uses) => uses !== undefined && !/^[\w-]+\/[\w./-]+@v\d+$/.test(uses)),
      [],
    ));

  test(`${file} runs scripts that exist`, () =>
    assert.deepEqual(
      steps(workflow).flatMap(({ run = "" }) =>
        [...run.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!).filter((name) => scripts[name] === undefined),
      ),
      [],
    ));

  test(`${file} holds no long-lived key: it takes on a role by OIDC`, () => {
    const text = readFileSync(join(root, file), "utf8");
    assert.equal(/AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)|secrets\./.test(text), false);
    const assumes = steps(workflow).some(({ uses }) => uses?.startsWith("aws-actions/"));
    assert.equal(assumes, workflow.permissions?.["id-token"] === "write");
  });

  test(`${file} names no input of a stranger inside a command`, () =>
    assert.deepEqual(
      steps(workflow).filter(({ run = "" }) => /\$\{\{\s*(github\.event|github\.head_ref|inputs)/.test(run)),
      [],
    ));
}

test("the script that shifts traffic parses", () => {
  const script = join(root, ".github/scripts/shift.sh");
  assert.ok(existsSync(script));
  execFileSync("bash", ["-n", script]);
});

test.run();
