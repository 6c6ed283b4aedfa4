import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { formerName } from "../../components/stack/formerNames.ts";
import { exampleConfig, exampleGraph, type Graph, graphOf } from "../../program/graph.ts";
import { toldByOtherStacks } from "../../program/otherStacks.ts";
import { differencesOf, treeOf } from "./graphText.ts";

/**
 * Every change to the infrastructure shows in these files, and so in a review. `UPDATE_SNAPSHOTS=1 npm test -- graph`
 * writes them anew. A resource whose line moves to another name is deleted and created again in every deployment, with
 * its data: rename only with an alias.
 */
const prod: Graph = await exampleGraph("prod");
const dev: Graph = await exampleGraph("dev");
const local: Graph = await exampleGraph("local");
const edge: Graph = await exampleGraph("prod-edge");
const home: Graph = await exampleGraph("prod-us-east-1");
const standby: Graph = await exampleGraph("prod-us-west-2");

function compare(file: string, text: string): void {
  const path = join(import.meta.dirname, file);
  if (process.env.UPDATE_SNAPSHOTS === "1" || !existsSync(path)) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
}

test("prod declares exactly the resources, names, parents and arguments of graph.prod.yaml", () =>
  compare("graph.prod.yaml", treeOf(prod)));

test("a running stack finds a resource that had another name in an earlier version", () => {
  const renamed = prod.resources.flatMap(({ type, name, aliases }) => {
    const former = formerName(name);
    return former === undefined ? [] : [{ label: `${type}::${name}`, aliases, former }];
  });
  assert.ok(renamed.length > 10);
  for (const { label, aliases, former } of renamed) assert.deepEqual(aliases, [former], label);
});

test("dev differs from prod only by what graph.dev.yaml tells", () =>
  compare("graph.dev.yaml", differencesOf(prod, dev)));

test("local differs from dev only by what graph.local.yaml tells", () =>
  compare("graph.local.yaml", differencesOf(dev, local)));

test("the edge in a stack of its own differs from prod only by what graph.prod-edge.yaml tells", () =>
  compare("graph.prod-edge.yaml", differencesOf(prod, edge)));

test("the home region in a stack of its own differs from prod only by what graph.prod-us-east-1.yaml tells", () =>
  compare("graph.prod-us-east-1.yaml", differencesOf(prod, home)));

test("a standby region declares exactly what graph.prod-us-west-2.yaml tells", () =>
  compare("graph.prod-us-west-2.yaml", treeOf(standby)));

test("edge and home region together declare what one stack of both does, each with its own log bucket and backup vault", () => {
  const labels = (graph: Graph) => graph.resources.map(({ type, name }) => `${type}::${name}`);
  const whole = new Set(labels(prod));
  const parts = [...labels(edge), ...labels(home)];
  const standbys = parts.filter((label) => label.includes("ingest-prod-us-west-2"));
  assert.equal(standbys.length, 2);
  assert.deepEqual(
    parts.filter((label) => !whole.has(label) && !standbys.includes(label)),
    [],
  );
  assert.deepEqual(
    [...whole].filter((label) => !parts.includes(label)),
    [],
  );
  const twice = parts.filter((label, at) => parts.indexOf(label) !== at);
  assert.deepEqual([...new Set(twice.filter((label) => label.startsWith("triggers:")))].sort(), [
    "triggers:components:Backups::backups",
    "triggers:components:DataBucket::logs",
    "triggers:components:EncryptionKey::backups",
  ]);
});

test("the outputs expected of other stacks are the outputs that they have", () => {
  const members = (told: unknown) => Object.keys(told as object).sort();
  assert.deepEqual(members(toldByOtherStacks.edge), members(edge.outputs.edge));
  assert.deepEqual(members(toldByOtherStacks.home), members(home.outputs.home));
  assert.deepEqual(members(toldByOtherStacks.standby), members(standby.outputs.standby));
});

test("no two resources have the same type and name", () => {
  const names = prod.resources.map(({ type, name }) => `${type}::${name}`);
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

test("a standby of a stack that is edge and home region in one names that stack once", async () => {
  const one = "acme/triggers/prod";
  const config = { ...exampleConfig("prod-us-west-2"), "triggers:edgeStack": one, "triggers:homeStack": one };
  const labels = ({ resources }: Graph) => resources.map(({ urn }) => urn);
  assert.deepEqual(labels(await graphOf("prod-us-west-2", config)), labels(standby));
});

test("a stack without the needed output is named, before any resource is declared", async () => {
  const { edge: theirs } = toldByOtherStacks;
  await assert.rejects(graphOf("prod-us-west-2", exampleConfig("prod-us-west-2"), { edge: theirs }), {
    message:
      "the stack acme/triggers/prod-us-east-1 has no output `home`: deploy it first, or take it out of the settings",
  });
  await assert.rejects(graphOf("prod-edge", exampleConfig("prod-edge"), {}), {
    message: [
      "the stack acme/triggers/prod-us-east-1 has no output `home`: deploy it first, or take it out of the settings",
      "the stack acme/triggers/prod-us-west-2 has no output `standby`: deploy it first, or take it out of the settings",
    ].join("\n"),
  });
});

test("a component of awsx is recorded as an engine sees it: no arguments, and its children below it", () => {
  const under = (parent: string) => prod.resources.filter((one) => one.parent === parent);
  const [vpc] = prod.resources.filter(({ type }) => type === "awsx:ec2:Vpc");
  assert.deepEqual(vpc?.inputs, {});
  assert.deepEqual(
    under("awsx:ec2:Vpc::network-vpc").map(({ urn }) => urn),
    [
      "urn:pulumi:prod::triggers::triggers:components:Foundation$triggers:components:Network$awsx:ec2:Vpc$aws:ec2/vpc:Vpc::network-vpc",
    ],
  );
  assert.deepEqual(
    under("aws:ec2/vpc:Vpc::network-vpc").map(({ name }) => name),
    ["network-vpc", "network-vpc-isolated-1", "network-vpc-isolated-2", "network-vpc-isolated-3"],
  );
});

test("every resource but the parts on the first page has a parent", () => {
  assert.deepEqual(
    prod.resources
      .filter(({ parent }) => parent === undefined)
      .map(({ type }) => type.replace("triggers:components:", "")),
    [
      "Alerting",
      "ApiProbe",
      "Backups",
      "Console",
      "DeliveryEngine",
      "EdgeWatch",
      "EventPipeline",
      "EventStore",
      "Forgetter",
      "Foundation",
      "GradualDeploys",
      "Ingest",
      "IngestEdge",
      "KeyDirectory",
      "LiveSockets",
      "ManagementApi",
      "MetricsCube",
      "Observability",
      "Publisher",
      "Retention",
      "SignIn",
      "SubscriptionStore",
    ],
  );
});

test("nothing that holds data can be deleted in one step in prod", () => {
  const holding = [
    "aws:dynamodb/table:Table",
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
  ];
  assert.deepEqual(
    prod.resources.filter(({ type, protect }) => holding.includes(type) && !protect).map(({ name }) => name),
    [],
  );
});

test("nothing is deleted by force", () => {
  assert.deepEqual(
    prod.resources.filter(({ inputs }) => "forceDestroy" in inputs).map(({ name }) => name),
    [],
  );
});

test.run();
