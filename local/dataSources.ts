/** The provider's data sources, answered for this one machine. An unknown one is an error that names it. */

import { defined, mapDefined } from "../runtime/domain/defined.ts";
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

/** Ids of CloudFront's managed policies, the same in every account ("Use managed cache policies" and its sisters). */
const managedCloudFront: Readonly<Record<string, string>> = {
  "Managed-CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
  "Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
  "Managed-AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
  "Managed-AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
  "Managed-CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
  "Managed-SecurityHeadersPolicy": "67f7725c-6f97-4210-82d7-5512b31e9d03",
  "Managed-SimpleCORS": "60669652-455b-4ae9-85a4-c4c02393f86c",
};

const cloudFrontPolicy: DataSource = ({ name, id }) => {
  const known = id === undefined ? managedCloudFront[String(name)] : String(id);
  if (known === undefined) throw new Error(`CloudFront has no managed policy named ${String(name)}`);
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
