import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, matchesGlob } from "node:path";
import { buildSync } from "esbuild";
import { test } from "uvu";
import { parse } from "yaml";
import { examples } from "../../program/graph.ts";

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

  test(`${file} pins every action to a commit, and says which version that is`, () =>
    assert.deepEqual(
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .filter((line) => /\buses:/.test(line) && !/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)),
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

test("a change of any file of the program is previewed", () => {
  const preview = workflows.find(([file]) => file.endsWith("preview.yaml"))![1];
  const { paths } = (preview.on as { pull_request: { paths: string[] } }).pull_request;
  const { metafile } = buildSync({
    entryPoints: ["index.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    platform: "node",
    format: "esm",
  });
  assert.deepEqual(
    Object.keys(metafile.inputs).filter((file) => !paths.some((path) => matchesGlob(file, path))),
    [],
  );
});

test("every shipped stack except the local one can be deployed", () => {
  const deploy = workflows.find(([file]) => file.endsWith("deploy.yaml"))![1];
  const { options } = (deploy.on as { workflow_dispatch: { inputs: { stack: { options: string[] } } } })
    .workflow_dispatch.inputs.stack;
  assert.deepEqual(
    options,
    examples.filter((stack) => stack !== "local"),
  );
});

test("a job that deploys or previews can sign in to Pulumi Cloud without a key", () =>
  assert.deepEqual(
    workflows
      .filter(([, workflow]) => steps(workflow).some(({ uses }) => uses?.startsWith("pulumi/actions@")))
      .filter(([, workflow]) => !steps(workflow).some(({ uses }) => uses?.startsWith("pulumi/auth-actions@")))
      .map(([file]) => file),
    [],
  ));

/** What the script says and asks AWS for, `<region> <service> <action>`, with a stack that has these outputs. */
function shifted(outputs: object): { told: string; asked: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "shift-"));
  const command = (name: string, script: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  command(
    "pulumi",
    `case "$1 $2" in
"config get") echo us-west-2 ;;
"stack output") echo '${JSON.stringify(outputs)}' ;;
esac`,
  );
  command(
    "aws",
    `echo "$AWS_REGION $1 $2" >> "${folder}/asked"
case "$2" in
get-alias) echo 2 ;;
create-deployment) echo d-1 ;;
esac`,
  );
  writeFileSync(join(folder, "asked"), "");
  try {
    const told = execFileSync("bash", [join(root, ".github/scripts/shift.sh"), "prod-us-west-2"], {
      env: { PATH: `${folder}:${process.env.PATH}`, AWS_REGION: "us-east-1" },
      encoding: "utf8",
    });
    return { told, asked: readFileSync(join(folder, "asked"), "utf8").split("\n").slice(0, -1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("traffic is shifted in the stack's own region, even where the shell has another", () =>
  assert.deepEqual(
    shifted({
      deployments: [
        { application: "triggers", group: "ingest", function: "ingest-1", alias: "live", version: "3" },
        { application: "triggers", group: "route", function: "route-1", alias: "live", version: "2" },
      ],
    }),
    {
      told: [
        "ingest-1: 2 -> 3, d-1",
        "route-1 is at version 2 already",
        "every function is at its newest version",
        "",
      ].join("\n"),
      asked: [
        "us-west-2 lambda get-alias",
        "us-west-2 deploy create-deployment",
        "us-west-2 lambda get-alias",
        "us-west-2 deploy wait",
      ],
    },
  ));

test("an edge without functions of its own region has nothing to shift", () =>
  assert.deepEqual(shifted({ url: "https://events.example.com" }), {
    told: "every function is at its newest version\n",
    asked: [],
  }));

test.run();
