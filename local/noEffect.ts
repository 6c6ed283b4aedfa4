/**
 * Resource types that change nothing on one machine: network, alarms, dashboards, log groups, backups and the like.
 * They are created by echoing their inputs with an id and an ARN. A type that stands neither in this table nor in a service is an
 * error that names it, so that every resource is accounted for.
 */

import { defined, mapDefined } from "../runtime/domain/defined.ts";
import type { Created, LocalContext, ResourceRequest } from "./service.ts";

/** Pulumi type -> service part of its ARN, and outputs beyond id, arn and name where the program reads them. */
type Extra = (request: ResourceRequest, context: LocalContext) => Record<string, unknown>;
interface Entry {
  readonly arn?: string;
  readonly outputs?: Extra;
}

const subnets = (count: number, kind: string, name: string): string[] =>
  Array.from({ length: count }, (_, i) => `subnet-${name}-${kind}-${i + 1}`);

const table: Readonly<Record<string, Entry>> = {
  "pulumi:pulumi:Stack": {},
  "pulumi:pulumi:StackReference": {},
  "pulumi:providers:aws": {},
  "pulumi:providers:awsx": {},
  "awsx:ec2:Vpc": {
    outputs: ({ name, inputs }) => {
      const zones = Number(inputs.numberOfAvailabilityZones ?? 3);
      return {
        vpcId: `vpc-${name}`,
        vpc: { id: `vpc-${name}` },
        privateSubnetIds: subnets(zones, "private", name),
        publicSubnetIds: subnets(zones, "public", name),
        isolatedSubnetIds: subnets(zones, "isolated", name),
        routeTables: [],
      };
    },
  },
  "aws:ec2/securityGroup:SecurityGroup": { arn: "ec2" },
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": { arn: "ec2" },
  "aws:ec2/securityGroupRule:SecurityGroupRule": {},
  "aws:ec2/subnet:Subnet": { arn: "ec2" },
  "aws:ec2/vpc:Vpc": { arn: "ec2" },
  "aws:ec2/vpcEndpoint:VpcEndpoint": { arn: "ec2" },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": { arn: "ec2" },
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": { arn: "ec2" },
  "aws:cloudwatch/logStream:LogStream": { arn: "logs" },
  "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {},
  "aws:cloudwatch/dashboard:Dashboard": { arn: "cloudwatch" },
  "aws:budgets/budget:Budget": { arn: "budgets" },
  "aws:sns/topic:Topic": { arn: "sns" },
  "aws:sns/topicPolicy:TopicPolicy": {},
  "aws:sns/topicSubscription:TopicSubscription": { arn: "sns" },
  "aws:backup/vault:Vault": { arn: "backup" },
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": { arn: "backup" },
  "aws:backup/plan:Plan": { arn: "backup" },
  "aws:backup/selection:Selection": {},
  "aws:xray/samplingRule:SamplingRule": { arn: "xray" },
  "aws:glue/catalogDatabase:CatalogDatabase": { arn: "glue" },
  "aws:glue/catalogTable:CatalogTable": { arn: "glue" },
  "aws:athena/workgroup:Workgroup": { arn: "athena" },
  "aws:acm/certificate:Certificate": { arn: "acm" },
  "aws:acm/certificateValidation:CertificateValidation": {},
  "aws:route53/record:Record": {},
};

export const isWithoutEffect = (type: string): boolean => Object.hasOwn(table, type);

/** Outputs of a resource without local effect: its inputs, and an id, ARN and name as the provider would give them. */
export function createWithoutEffect(request: ResourceRequest, context: LocalContext): Created {
  const entry = table[request.type] as Entry;
  const name = String(request.inputs.name ?? request.name);
  const arn = defined({
    arn: mapDefined(entry.arn, (arn) => `arn:aws:${arn}:${context.region}:${context.accountId}:${name}`),
  });
  return { id: name, state: { ...request.inputs, name, ...arn, ...entry.outputs?.(request, context) } };
}
