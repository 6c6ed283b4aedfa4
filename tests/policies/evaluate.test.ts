import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { type Configuration, checkConfiguration, evaluate } from "../../policies/evaluate.ts";
import { managed, unlimitable } from "../../policies/privilege.ts";
import { rules } from "../../policies/rules.ts";
import { exampleConfig, exampleGraph, graphOf, resourcesOf } from "../../program/graph.ts";
import { broken, findings, today } from "./program.ts";

const shipped = JSON.parse(
  readFileSync(new URL("../../policies/configuration.json", import.meta.url), "utf8"),
) as Configuration;

test("dev complies, with exceptions that each say why and until when", async () => {
  const verdicts = evaluate("dev", resourcesOf(await exampleGraph("dev")), shipped, today);
  assert.deepEqual(
    verdicts.filter(({ outcome }) => outcome === "failed").map(({ message }) => message),
    [],
  );
  assert.ok(verdicts.some(({ outcome }) => outcome === "excepted"));
});

test("prod complies, also where it exports spans", async () => {
  const config = { ...exampleConfig("prod"), "triggers:otlpEndpoint": "https://otlp.example.com" };
  const verdicts = evaluate("prod", resourcesOf(await graphOf("prod", config)), shipped, today);
  assert.deepEqual(
    verdicts.filter(({ outcome }) => outcome === "failed").map(({ message }) => message),
    [],
  );
});

for (const stack of ["prod-edge", "prod-us-east-1", "prod-us-west-2"] as const)
  test(`${stack} complies`, async () =>
    assert.deepEqual(
      evaluate(stack, resourcesOf(await exampleGraph(stack)), shipped, today)
        .filter(({ outcome }) => outcome === "failed")
        .map(({ message }) => message),
      [],
    ));

test("the first deployment of an edge, keys alone, complies", async () => {
  const { "triggers:homeStack": _, "triggers:standbyStacks": __, ...keysAlone } = exampleConfig("prod-edge");
  const graph = await graphOf("prod-edge", keysAlone);
  assert.deepEqual(
    evaluate("prod-edge", resourcesOf(graph), shipped, today)
      .filter(({ outcome }) => outcome === "failed")
      .map(({ message }) => message),
    [],
  );
  assert.equal(
    graph.resources.some(({ type }) => type.startsWith("aws:s3/")),
    false,
    "nothing writes into a bucket of logs yet",
  );
});

test("with the exceptions of the guide prod may lose its protection, and without them not", async () => {
  const guide = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  const [, text] = /```json\n(\[\n {2}\{ "rule"[\s\S]*?)```/.exec(guide)!;
  const exceptions = JSON.parse(text!) as NonNullable<Configuration["exceptions"]>;
  const resources = resourcesOf(await graphOf("prod", { ...exampleConfig("prod"), "triggers:protect": "false" }));
  const failedRules = (configuration: Configuration) =>
    new Set(
      evaluate("prod", resources, configuration, today)
        .filter(({ outcome }) => outcome === "failed")
        .map(({ rule }) => rule.name),
    );
  assert.deepEqual([...failedRules(shipped)].sort(), exceptions.map(({ rule }) => rule).sort());
  const loosened = { ...shipped, exceptions: [...(shipped.exceptions ?? []), ...exceptions] };
  checkConfiguration(loosened, today);
  assert.deepEqual([...failedRules(loosened)], []);
});

test("the shipped configuration is in order", () => checkConfiguration(shipped, today));

test("an exception of the shipped configuration covers something in dev or prod", async () => {
  const verdicts = [
    ...evaluate("prod", resourcesOf(await exampleGraph("prod")), shipped, today),
    ...evaluate("dev", resourcesOf(await exampleGraph("dev")), shipped, today),
  ];
  const used = new Set(verdicts.map(({ exception }) => exception));
  assert.deepEqual(
    (shipped.exceptions ?? []).filter((exception) => !used.has(exception)),
    [],
  );
});

test("a configuration with nonsense is refused, with every problem at once", () =>
  assert.throws(
    () =>
      checkConfiguration(
        {
          exceptions: [
            { rule: "nobody", resource: "x", reason: "because", until: "someday" },
            { rule: "key-rotates", resource: "x", reason: "a reason that is long enough", until: "2030-01-01" },
          ],
          levels: { "key-rotates": "disabled" },
        } as Configuration,
        today,
      ),
    {
      message: [
        "the policies' configuration is wrong:",
        "exception of nobody for x: no such rule",
        "exception of nobody for x: the reason is missing or too short to be one",
        "exception of nobody for x: `until` is not a day",
        "exception of key-rotates for x: ends more than a year from now",
        "levels: there are exceptions alone",
      ].join("\n  - "),
    },
  ));

const rotation = (until: string): Configuration => ({
  exceptions: [
    ...(shipped.exceptions ?? []),
    { rule: "key-rotates", resource: "store-key", reason: "a reason that is long enough", until },
  ],
});
const unrotated = broken("aws:kms/key:Key", "store-key", "enableKeyRotation", false);

test("an exception holds on its last day", () => assert.deepEqual(findings(unrotated, rotation("2026-11-25")), []));

test("a finding counts again on the day after its exception", () =>
  assert.deepEqual(findings(unrotated, rotation("2026-11-24")), [
    "key-rotates: store-key: the key does not rotate. Set `enableKeyRotation: true`, and no `rotationPeriodInDays` above 365.",
  ]));

test("rules have names of their own, a remedy and a control", () => {
  const names = rules.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    [],
  );
  assert.deepEqual(
    rules.filter(
      ({ remedy, serves, description }) => serves.length === 0 || !remedy.endsWith(".") || !description.endsWith("."),
    ),
    [],
  );
});

test("every action and policy that is let pass is in use and says why", async () => {
  const resources = resourcesOf(await exampleGraph("prod"));
  const text = JSON.stringify(resources.filter(({ type }) => type.startsWith("aws:iam/")).map(({ props }) => props));
  assert.deepEqual(
    [...Object.entries(unlimitable), ...Object.entries(managed)].filter(
      ([name, why]) => !text.includes(name) || why.length < 20,
    ),
    [],
  );
});

test.run();
