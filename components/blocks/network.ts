import * as aws from "@pulumi/aws";
// The package as a whole loads its earlier edition and much of Docker with it.
import * as ec2x from "@pulumi/awsx/ec2/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { HandlerNetwork } from "./handler.ts";

// Invariant: the network is closed to the internet, in and out: its subnets have neither a route there nor public addresses.
// (awsx always attaches an internet gateway; routes to it are left out.) What stands in it reaches AWS through endpoints, and the
// function that posts to customers' webhooks runs outside it.

export interface NetworkArgs {
  readonly region: string;
  /** An interface endpoint of each service in every zone, instead of in two. */
  readonly multiAz: boolean;
  /** Names of the three availability zones. @default the region's first three */
  readonly zones?: readonly string[] | undefined;
}

/** AWS services that every network's functions call. */
const interfaces = ["lambda", "secretsmanager", "sqs"] as const;
const gateways = ["dynamodb", "s3"] as const;

/**
 * Subnets are free of charge, so there are always three, each in the first part of a quarter of the range. Their addresses are
 * therefore independent of all settings, and a zone that is added later can't take the addresses of an earlier one.
 */
const ZONES = 3;
const layout = { cidrBlock: "10.64.0.0/16", availabilityZoneCidrMask: 18, subnetMask: 20 } as const;

/** Private subnets, endpoints, and the security group of functions. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly subnetIds: pulumi.Output<string[]>;
  /** Two of them, for what is paid by the zone or can't change its zones. */
  readonly twoSubnetIds: pulumi.Output<string[]>;
  /** Security group of the functions inside. */
  readonly functions: aws.ec2.SecurityGroup;
  private readonly name: string;
  private readonly args: NetworkArgs;
  private readonly endpoints: aws.ec2.SecurityGroup;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Network", name, {}, opts);
    const own = { parent: this };
    this.name = name;
    this.args = args;
    const vpc = new ec2x.Vpc(
      `${name}-vpc`,
      {
        cidrBlock: layout.cidrBlock,
        availabilityZoneCidrMask: layout.availabilityZoneCidrMask,
        ...(args.zones === undefined
          ? { numberOfAvailabilityZones: ZONES }
          : { availabilityZoneNames: [...args.zones] }),
        enableDnsHostnames: true,
        enableDnsSupport: true,
        natGateways: { strategy: "None" },
        subnetStrategy: "Auto",
        subnetSpecs: [{ type: "Isolated", cidrMask: layout.subnetMask }],
      },
      own,
    );
    this.vpcId = vpc.vpcId;
    this.subnetIds = vpc.isolatedSubnetIds;
    this.twoSubnetIds = vpc.isolatedSubnetIds.apply((ids) => ids.slice(0, 2));
    new aws.ec2.DefaultSecurityGroup(`${name}-default`, { vpcId: vpc.vpcId, ingress: [], egress: [] }, own);

    this.functions = this.group("functions", "Functions that reach the database or the cache");
    this.endpoints = this.group("endpoints", "Interface endpoints of AWS services");
    this.letIn("functions-to-endpoints", this.endpoints.id, 443);
    for (const service of interfaces) this.open(service);
    for (const service of gateways) {
      const endpoint = new aws.ec2.VpcEndpoint(
        `${name}-${service}`,
        {
          vpcId: vpc.vpcId,
          serviceName: `com.amazonaws.${args.region}.${service}`,
          vpcEndpointType: "Gateway",
          routeTableIds: vpc.routeTables.apply((tables) => pulumi.all(tables.map((table) => table.id))),
        },
        own,
      );
      new aws.vpc.SecurityGroupEgressRule(
        `functions-to-${service}`,
        {
          securityGroupId: this.functions.id,
          description: `${service} through its gateway endpoint`,
          ipProtocol: "tcp",
          fromPort: 443,
          toPort: 443,
          prefixListId: endpoint.prefixListId,
        },
        own,
      );
    }
    this.registerOutputs({ vpcId: this.vpcId });
  }

  /** Where a function stands that reaches what is inside. */
  get reach(): HandlerNetwork {
    return { subnetIds: this.subnetIds, securityGroupIds: [this.functions.id] };
  }

  /** Lets the functions inside call an AWS service, which costs by the hour and zone. @param service as its endpoint is named: `monitoring` for CloudWatch */
  open(service: string): void {
    const { region, multiAz } = this.args;
    new aws.ec2.VpcEndpoint(
      `${this.name}-${service}`,
      {
        vpcId: this.vpcId,
        serviceName: `com.amazonaws.${region}.${service}`,
        vpcEndpointType: "Interface",
        privateDnsEnabled: true,
        subnetIds: multiAz ? this.subnetIds : this.twoSubnetIds,
        securityGroupIds: [this.endpoints.id],
      },
      { parent: this },
    );
  }

  /** Who speaks to whom, written to a bucket. */
  logFlows(bucket: aws.s3.Bucket): aws.ec2.FlowLog {
    return new aws.ec2.FlowLog(
      "network-flows",
      {
        vpcId: this.vpcId,
        trafficType: "ALL",
        logDestinationType: "s3",
        logDestination: pulumi.interpolate`${bucket.arn}/vpc/`,
      },
      { parent: this },
    );
  }

  /** A security group without any rule. @param description what stands behind it */
  group(name: string, description: string, parent: pulumi.Resource = this): aws.ec2.SecurityGroup {
    return new aws.ec2.SecurityGroup(`${name}-group`, { vpcId: this.vpcId, description }, { parent });
  }

  /** Lets the functions inside open TCP connections to what stands behind a group, on one port. */
  letIn(name: string, to: pulumi.Input<string>, port: number, parent: pulumi.Resource = this): void {
    const rule = { ipProtocol: "tcp", fromPort: port, toPort: port, description: name };
    new aws.vpc.SecurityGroupEgressRule(
      name,
      { ...rule, securityGroupId: this.functions.id, referencedSecurityGroupId: to },
      { parent },
    );
    new aws.vpc.SecurityGroupIngressRule(
      name,
      { ...rule, securityGroupId: to, referencedSecurityGroupId: this.functions.id },
      { parent },
    );
  }
}
