/** The provider's data sources, answered for this one machine. An unknown one is an error that names it. */

import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { managedIds } from "./cloudfront/policies.ts";
import type { LocalContext } from "./service.ts";

type Args = Readonly<Record<string, unknown>>;
type DataSource = (args: Args, context: LocalContext) => Record<string, unknown>;

interface Block {
  readonly test: string;
  readonly variable: string;
  readonly values: readonly string[];
}
interface PolicyStatement {
  readonly sid?: string;
  readonly effect?: string;
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
  readonly resources?: readonly string[];
  readonly notResources?: readonly string[];
  readonly conditions?: readonly Block[];
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
}

const one = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] as string) : values;

function policyJson(statements: readonly PolicyStatement[]): string {
  const Statement = statements.map((statement) => {
    const { sid, effect = "Allow", actions, notActions, resources, notResources, conditions, principals } = statement;
    const Condition: Record<string, Record<string, unknown>> = {};
    for (const { test, variable, values } of conditions ?? []) {
      Condition[test] = { ...Condition[test], [variable]: one(values) };
    }
    const everyone = principals?.some(({ type, identifiers }) => type === "*" && identifiers.includes("*"));
    const Principal =
      principals === undefined
        ? undefined
        : everyone
          ? "*"
          : Object.fromEntries(principals.map(({ type, identifiers }) => [type, one(identifiers)]));
    return {
      ...defined({ Sid: sid }),
      Effect: effect,
      ...defined({
        Action: mapDefined(actions, one),
        NotAction: mapDefined(notActions, one),
        Resource: mapDefined(resources, one),
        NotResource: mapDefined(notResources, one),
        Principal,
      }),
      ...(conditions === undefined ? {} : { Condition }),
    };
  });
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

const zones = (region: string): string[] => ["a", "b", "c"].map((letter) => region + letter);

const cloudFrontPolicy: DataSource = ({ name, id }) => {
  const known = id === undefined ? (managedIds as Readonly<Record<string, string>>)[String(name)] : String(id);
  if (known === undefined) throw new Error(`the managed policy ${String(name)} of CloudFront is not known locally`);
  return { id: known, name, etag: "local" };
};

const table: Readonly<Record<string, DataSource>> = {
  "aws:index/getRegion:getRegion": ({ region }, context) => {
    const name = String(region ?? context.region);
    return { id: name, name, region: name, endpoint: `ec2.${name}.amazonaws.com`, description: name };
  },
  "aws:index/getCallerIdentity:getCallerIdentity": (_, { accountId }) => ({
    id: accountId,
    accountId,
    arn: `arn:aws:iam::${accountId}:user/local`,
    userId: "local",
  }),
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (_, { region }) => ({
    id: region,
    names: zones(region),
    zoneIds: zones(region),
    groupNames: [region],
  }),
  "aws:iam/getPolicyDocument:getPolicyDocument": ({ statements }) => {
    const json = policyJson((statements ?? []) as PolicyStatement[]);
    return { id: "document", json, minifiedJson: json };
  },
  "aws:cloudfront/getCachePolicy:getCachePolicy": cloudFrontPolicy,
  "aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy": cloudFrontPolicy,
  "aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": cloudFrontPolicy,
  "aws:ec2/getManagedPrefixList:getManagedPrefixList": ({ name }) => ({ id: `pl-${String(name)}`, name, entries: [] }),
};

/** @throws Error naming a data source that is not known here */
export function answerDataSource(token: string, args: Args, context: LocalContext): Record<string, unknown> {
  const source = table[token];
  if (source === undefined)
    throw new Error(`the data source ${token} is not known to the local platform (local/dataSources.ts)`);
  return { ...args, ...source(args, context) };
}
