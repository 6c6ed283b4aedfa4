/**
 * The resource graph of a stack, without an account: the program runs under Pulumi's mocks with a stack file's
 * configuration, and every resource it declares is written down with its arguments resolved.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Alias, Inputs as ProgramOutputs, Resource as ProgramResource } from "@pulumi/pulumi";
import { parse } from "yaml";
import { pulumi } from "../local/pulumi.ts";
import type { Resource } from "../policies/rule.ts";
import { defined } from "../runtime/domain/defined.ts";
import { declaredByVpc } from "./crosswalk.ts";
import { toldByOtherStacks } from "./otherStacks.ts";

const root = join(import.meta.dirname, "..");

/** The account that outputs speak of; AWS's own documentation uses it. */
const ACCOUNT = "123456789012";

/** A declared resource. */
export interface Declared {
  /** Pulumi type token, `aws:sqs/queue:Queue`. */
  readonly type: string;
  readonly name: string;
  /** As the engine would give it, with the types of its parents. */
  readonly urn: string;
  /** Arguments, with outputs of other resources filled in. Empty for a component, as under an engine. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What the provider would add: `id`, `arn` and the like. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** `type::name` of the parent; undefined at the top. */
  readonly parent: string | undefined;
  /** `type::name` of what has to stand before it by `dependsOn`, its own and that of the components around it. */
  readonly dependsOn: readonly string[];
  readonly protect: boolean;
  /** Whether it stays in the account when the stack is gone. */
  readonly retained: boolean;
  /** Former names under which a stack may know it. */
  readonly aliases: readonly string[];
  /** False for components. */
  readonly custom: boolean;
}

export interface Graph {
  readonly stack: string;
  readonly region: string;
  /** The configuration that the program ran with. */
  readonly config: Readonly<Record<string, string>>;
  readonly resources: readonly Declared[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Stacks as they are shipped: pages describe and tests pin these, not the stack files at the root, which people change. */
export const examples = ["local", "dev", "prod", "prod-edge", "prod-us-east-1", "prod-us-west-2"] as const;

/** The configuration of a shipped stack. */
export const exampleConfig = (stack: (typeof examples)[number]): Record<string, string> =>
  stackConfig(stack, join(import.meta.dirname, "examples"));

/** The graph of a shipped stack. */
export const exampleGraph = (stack: (typeof examples)[number]): Promise<Graph> => graphOf(stack, exampleConfig(stack));

/** The configuration of a stack file, every value as the text that Pulumi hands to a program. */
export function stackConfig(stack: string, folder = root): Record<string, string> {
  const name = `Pulumi.${stack}.yaml`;
  if (!existsSync(join(folder, name))) throw new Error(`There is no stack ${stack}: ${folder} holds no ${name}.`);
  const file = parse(readFileSync(join(folder, name), "utf8")) as { config?: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(file.config ?? {}).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

type Inputs = Record<string, unknown>;

const arnFormats: Readonly<Record<string, (name: string, region: string, inputs: Inputs) => string>> = {
  "aws:acm/certificate:Certificate": (n, r) => `arn:aws:acm:${r}:${ACCOUNT}:certificate/${n}`,
  "aws:cloudfront/distribution:Distribution": (n) => `arn:aws:cloudfront::${ACCOUNT}:distribution/${n}`,
  "aws:cloudfront/function:Function": (n) => `arn:aws:cloudfront::${ACCOUNT}:function/${n}`,
  "aws:cloudfront/keyValueStore:KeyValueStore": (n) => `arn:aws:cloudfront::${ACCOUNT}:key-value-store/${n}`,
  "aws:dynamodb/table:Table": (n, r) => `arn:aws:dynamodb:${r}:${ACCOUNT}:table/${n}`,
  "aws:cloudwatch/logGroup:LogGroup": (n, r) => `arn:aws:logs:${r}:${ACCOUNT}:log-group:${n}`,
  "aws:cloudwatch/metricAlarm:MetricAlarm": (n, r) => `arn:aws:cloudwatch:${r}:${ACCOUNT}:alarm:${n}`,
  "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (n, r) =>
    `arn:aws:logs:${r}:${ACCOUNT}:delivery-destination:${n}`,
  "aws:iam/role:Role": (n) => `arn:aws:iam::${ACCOUNT}:role/${n}`,
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (n, r) =>
    `arn:aws:firehose:${r}:${ACCOUNT}:deliverystream/${n}`,
  "aws:kms/key:Key": (n, r) => `arn:aws:kms:${r}:${ACCOUNT}:key/${n}`,
  "aws:kms/replicaKey:ReplicaKey": (n, r) => `arn:aws:kms:${r}:${ACCOUNT}:key/${n}`,
  "aws:lambda/function:Function": (n, r) => `arn:aws:lambda:${r}:${ACCOUNT}:function:${n}`,
  "aws:lambda/alias:Alias": (n, r, inputs) =>
    `arn:aws:lambda:${r}:${ACCOUNT}:function:${String(inputs.functionName)}:${n}`,
  "aws:codedeploy/application:Application": (n, r) => `arn:aws:codedeploy:${r}:${ACCOUNT}:application:${n}`,
  "aws:rds/instance:Instance": (n, r) => `arn:aws:rds:${r}:${ACCOUNT}:db:${n}`,
  "aws:rds/proxy:Proxy": (n, r) => `arn:aws:rds:${r}:${ACCOUNT}:db-proxy:prx-${n}`,
  "aws:s3/bucket:Bucket": (n) => `arn:aws:s3:::${n}`,
  "aws:secretsmanager/secret:Secret": (n, r) => `arn:aws:secretsmanager:${r}:${ACCOUNT}:secret:${n}-a1b2c3`,
  "aws:sesv2/configurationSet:ConfigurationSet": (_, r, inputs) =>
    `arn:aws:ses:${r}:${ACCOUNT}:configuration-set/${String(inputs.configurationSetName)}`,
  "aws:sesv2/emailIdentity:EmailIdentity": (_, r, inputs) =>
    `arn:aws:ses:${r}:${ACCOUNT}:identity/${String(inputs.emailIdentity)}`,
  "aws:sns/topic:Topic": (n, r) => `arn:aws:sns:${r}:${ACCOUNT}:${n}`,
  "aws:sqs/queue:Queue": (n, r) => `arn:aws:sqs:${r}:${ACCOUNT}:${n}`,
  "aws:wafv2/webAcl:WebAcl": (n) => `arn:aws:wafv2:us-east-1:${ACCOUNT}:global/webacl/${n}/a1b2c3`,
  "aws:backup/vault:Vault": (n, r) => `arn:aws:backup:${r}:${ACCOUNT}:backup-vault:${n}`,
};

/** How a secret is marked between program and engine; offline it is only a value. */
const SECRET = "4dabf18193072939515e22adb298388d";

/** A value as plain data: secrets unwrapped, archives and files as the paths and texts that they hold. */
async function plainOf(value: unknown): Promise<unknown> {
  const known = await value;
  if (Array.isArray(known)) return Promise.all(known.map(plainOf));
  if (typeof known !== "object" || known === null) return known;
  if (SECRET in known && "value" in known) return plainOf(known.value);
  const members = Object.entries(known).map(async ([member, item]) => [member, await plainOf(item)] as const);
  return Object.fromEntries(await Promise.all(members));
}

/** What API Gateway calls a function by. */
const invokeArn = (r: string, of: string): string =>
  `arn:aws:apigateway:${r}:lambda:path/2015-03-31/functions/arn:aws:lambda:${r}:${ACCOUNT}:function:${of}/invocations`;

/** Outputs beyond id, name and ARN that the program reads. */
const extras: Readonly<Record<string, (name: string, region: string, inputs: Inputs) => Inputs>> = {
  "aws:cloudfront/distribution:Distribution": (n) => ({
    domainName: `${n}.cloudfront.net`,
    hostedZoneId: "Z2FDTNDATAQYW2",
  }),
  "aws:elasticache/replicationGroup:ReplicationGroup": (n, r, inputs) => ({
    primaryEndpointAddress: `master.${n}.abc123.${r}.cache.amazonaws.com`,
    memberClusters: Array.from({ length: Number(inputs.numCacheClusters) }, (_, i) => `${n}-00${i + 1}`),
  }),
  "aws:kms/key:Key": (n) => ({ keyId: n }),
  "aws:apigatewayv2/api:Api": (n, r) => ({
    apiEndpoint: `wss://${n}.execute-api.${r}.amazonaws.com`,
    executionArn: `arn:aws:execute-api:${r}:${ACCOUNT}:${n}`,
  }),
  "aws:lambda/alias:Alias": (n, r, inputs) => ({
    invokeArn: invokeArn(r, `${String(inputs.functionName)}:${n}`),
  }),
  "aws:lambda/function:Function": (n, r) => ({
    invokeArn: invokeArn(r, n),
    qualifiedArn: `arn:aws:lambda:${r}:${ACCOUNT}:function:${n}:1`,
    version: "1",
  }),
  "aws:lambda/functionUrl:FunctionUrl": (n, r) => ({ functionUrl: `https://${n}.lambda-url.${r}.on.aws/` }),
  "aws:rds/instance:Instance": (n, r, inputs) => ({
    identifier: inputs.identifier ?? n,
    port: 5432,
    address: `${n}.abc123.${r}.rds.amazonaws.com`,
    masterUserSecrets: [{ secretArn: `arn:aws:secretsmanager:${r}:${ACCOUNT}:secret:rds!db-${n}-a1b2c3` }],
  }),
  "aws:rds/proxy:Proxy": (n, r) => ({ endpoint: `${n}.proxy-abc123.${r}.rds.amazonaws.com` }),
  "aws:s3/bucket:Bucket": (n) => ({ bucket: n, bucketDomainName: `${n}.s3.amazonaws.com` }),
  "aws:sqs/queue:Queue": (n, r) => ({ url: `https://sqs.${r}.amazonaws.com/${ACCOUNT}/${n}` }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": (n) => ({ prefixListId: `pl-${n}` }),
  "random:index/randomPassword:RandomPassword": () => ({ result: "not-a-real-token" }),
};

const noAnswer: Readonly<Record<string, Inputs>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": {
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    userId: "x",
  },
};

let runs = 0;

const graphs = new Map<string, Promise<Graph>>();

/**
 * The graph of a stack, computed once. Programs share Pulumi's global state, so runs follow one another, never overlap.
 * @param told outputs of each stack that the program names
 * @throws Error of the program, such as the list of what is wrong in the configuration, or of two resources with one URN
 */
export function graphOf(
  stack: string,
  config: Readonly<Record<string, string>>,
  told: object = toldByOtherStacks,
): Promise<Graph> {
  const key = JSON.stringify([stack, config, told]);
  const graph = graphs.get(key) ?? runProgram(stack, config, told);
  graphs.set(key, graph);
  return graph;
}

async function runProgram(stack: string, config: Readonly<Record<string, string>>, told: object): Promise<Graph> {
  const region = config["aws:region"] ?? "us-east-1";
  const declared: { type: string; name: string; custom: boolean; inputs: Inputs; outputs: Inputs }[] = [];
  const links = new Map<string, Pick<Declared, "parent" | "dependsOn" | "protect" | "retained" | "aliases">>();
  const references: string[] = [];
  await pulumi.runtime.setMocks(
    {
      async newResource({ type, name, inputs, custom }) {
        if (type === "pulumi:pulumi:StackReference") {
          references.push(`${type}::${name}`);
          return { id: name, state: { ...inputs, outputs: told, secretOutputNames: [] } };
        }
        const where = String(inputs.region ?? region);
        const physical = String(inputs.name ?? name);
        if (type === "awsx:ec2:Vpc") {
          const zones = ["a", "b", "c", "d", "e", "f"].map((zone) => `${where}${zone}`);
          const { children, outputs } = declaredByVpc(name, (await plainOf(inputs)) as Inputs, zones);
          declared.push({ type, name, custom: false, inputs: {}, outputs });
          for (const { id, parent, ...child } of children) {
            declared.push({ ...child, custom: true, outputs: { id } });
            links.set(`${child.type}::${child.name}`, {
              parent,
              dependsOn: [],
              protect: false,
              retained: false,
              aliases: [],
            });
          }
          return { id: name, state: outputs };
        }
        const arn = arnFormats[type]?.(physical, where, inputs);
        const outputs: Inputs = {
          name: physical,
          ...defined({ arn }),
          ...extras[type]?.(physical, where, inputs),
        };
        if (type !== "pulumi:pulumi:Stack") {
          const plain = (await plainOf(inputs)) as Inputs;
          declared.push({ type, name, custom: custom !== false, inputs: plain, outputs });
        }
        return { id: physical, state: { ...inputs, ...outputs } };
      },
      call({ token, inputs }) {
        const answer = noAnswer[token];
        if (answer === undefined) throw new Error(`${token}: a data source without an answer here`);
        return { ...inputs, ...answer };
      },
    },
    "triggers",
    stack,
    false,
  );
  pulumi.runtime.setAllConfig({ ...config });
  const label = (resource: ProgramResource): string => names.get(resource) ?? "";
  const names = new WeakMap<ProgramResource, string>();
  runs += 1;
  const run = runs;
  const exported = await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ resource, type, name, opts }) => {
      names.set(resource, `${type}::${name}`);
      const parent = opts.parent === undefined ? "" : label(opts.parent);
      const before = [opts.dependsOn ?? []].flat() as ProgramResource[];
      links.set(`${type}::${name}`, {
        dependsOn: [...before.map(label), ...(links.get(parent)?.dependsOn ?? [])],
        parent: parent === "" || parent.startsWith("pulumi:pulumi:Stack") ? undefined : parent,
        protect: opts.protect === true,
        retained: opts.retainOnDelete === true,
        aliases: (opts.aliases ?? []).flatMap((alias) => (alias as Alias).name ?? []) as string[],
      });
      return undefined;
    });
    return ((await import(`../index.ts?run=${run}`)) as { default: ProgramOutputs }).default;
  });
  await pulumi.runtime.disconnect();
  const typesDownTo = (key: string): string => {
    const parent = links.get(key)?.parent;
    const type = key.split("::")[0]!;
    return parent === undefined ? type : `${typesDownTo(parent)}$${type}`;
  };
  const labelOf = (resource: { type: string; name: string }) => `${resource.type}::${resource.name}`;
  const urnOf = (key: string) => `urn:pulumi:${stack}::triggers::${typesDownTo(key)}::${key.split("::")[1]}`;
  const urns = [...references, ...declared.map(labelOf)].map(urnOf);
  const twice = urns.find((urn, at) => urns.indexOf(urn) !== at);
  if (twice !== undefined) throw new Error(`Duplicate resource URN '${twice}'; try giving it a unique name`);
  const resources = declared
    .map((resource): Declared => {
      const key = labelOf(resource);
      const link = links.get(key);
      return {
        ...resource,
        urn: urnOf(key),
        parent: link?.parent,
        dependsOn: link?.dependsOn ?? [],
        protect: link?.protect ?? false,
        retained: link?.retained ?? false,
        aliases: link?.aliases ?? [],
      };
    })
    .sort((a, b) => (labelOf(a) < labelOf(b) ? -1 : 1));
  return { stack, region, config, resources, outputs: (exported ?? {}) as Record<string, unknown> };
}

/** The graph as the rules see it: arguments and outputs together, and the provider that the engine adds by itself. */
export function resourcesOf(graph: Graph): Resource[] {
  const provider = {
    type: "pulumi:providers:aws",
    name: "default",
    urn: `urn:pulumi:${graph.stack}::triggers::pulumi:providers:aws::default`,
    props: { region: graph.region, defaultTags: graph.config["aws:defaultTags"] },
    protect: false,
  };
  const declared = graph.resources
    .filter(({ custom }) => custom)
    .map(({ type, name, urn, inputs, outputs, protect }) => ({
      type,
      name,
      urn,
      props: { ...outputs, ...inputs },
      protect,
    }));
  return [provider, ...declared];
}
