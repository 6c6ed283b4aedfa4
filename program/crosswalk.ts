/**
 * What the components of Pulumi's Crosswalk (`awsx:*`) declare. They are made by a provider of their own, so mocks see only
 * their arguments, and an engine, a preview and a policy only their children. A graph has to show what the engine shows, hence
 * this: the children that `awsx:ec2:Vpc` would declare, held to recordings of the component itself by a test.
 */
import ipaddr from "ipaddr.js";
import { defined } from "../runtime/domain/defined.ts";

/** A child as it would be declared, before it has a URN. */
export interface Child {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** `type::name` of its parent. */
  readonly parent: string;
}

type Kind = "Public" | "Private" | "Isolated";

/** The arguments that are understood here; any other is an error that names it. */
export interface VpcArguments {
  readonly cidrBlock: string;
  readonly numberOfAvailabilityZones?: number;
  readonly availabilityZoneNames?: readonly string[];
  readonly availabilityZoneCidrMask?: number;
  readonly enableDnsHostnames?: boolean;
  readonly enableDnsSupport?: boolean;
  readonly natGateways?: { readonly strategy: "None" | "Single" | "OnePerAz" };
  readonly subnetStrategy: "Auto";
  readonly subnetSpecs: readonly { readonly type: Kind; readonly cidrMask: number }[];
}

const understood = new Set([
  "cidrBlock",
  "numberOfAvailabilityZones",
  "availabilityZoneNames",
  "availabilityZoneCidrMask",
  "enableDnsHostnames",
  "enableDnsSupport",
  "natGateways",
  "subnetStrategy",
  "subnetSpecs",
]);

const sizeOf = (mask: number): number => 2 ** (32 - mask);
const numberOf = (address: string): number =>
  ipaddr.IPv4.parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256 + byte, 0);
const addressOf = (number: number): string =>
  new ipaddr.IPv4([24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256)).toString();

/** The first block of a size that begins at or after an address. */
const blockFrom = (address: number, mask: number): number => Math.ceil(address / sizeOf(mask)) * sizeOf(mask);

const order: readonly Kind[] = ["Public", "Private", "Isolated"];

/**
 * The children of a `awsx:ec2:Vpc`, parents before their own children, and its outputs.
 * @param zonesOfRegion names of the region's availability zones, in AWS's order
 * @throws Error for an argument that isn't understood here
 */
export function declaredByVpc(name: string, inputs: object, zonesOfRegion: readonly string[]) {
  const unknown = Object.keys(inputs).filter((argument) => !understood.has(argument));
  const args = inputs as VpcArguments;
  if (unknown.length > 0 || args.subnetStrategy !== "Auto")
    throw new Error(`awsx:ec2:Vpc "${name}": not understood here: ${unknown.join(", ") || "subnetStrategy"}`);
  const zones =
    args.availabilityZoneNames ?? zonesOfRegion.slice(0, args.numberOfAvailabilityZones ?? zonesOfRegion.length);
  const { address, mask } = { address: args.cidrBlock.split("/")[0]!, mask: Number(args.cidrBlock.split("/")[1]) };
  const zoneMask = args.availabilityZoneCidrMask ?? mask + Math.ceil(Math.log2(zones.length));
  const strategy = args.natGateways?.strategy ?? "OnePerAz";

  const children: Child[] = [];
  const add = (type: string, child: string, prefix: string, parent: string, declared: Child["inputs"]): Child => {
    const one = { type, name: child, id: `${prefix}-${child}`, parent, inputs: declared };
    children.push(one);
    return one;
  };
  const label = ({ type, name: own }: Child) => `${type}::${own}`;
  const tags = { Name: name };
  const vpc = add("aws:ec2/vpc:Vpc", name, "vpc", `awsx:ec2:Vpc::${name}`, {
    cidrBlock: args.cidrBlock,
    ...defined({ enableDnsHostnames: args.enableDnsHostnames, enableDnsSupport: args.enableDnsSupport }),
    tags,
  });
  // Always there, with any subnets; only a route makes it a way out.
  const internet = add("aws:ec2/internetGateway:InternetGateway", name, "igw", label(vpc), { vpcId: vpc.id, tags });

  const subnets: Child[] = [];
  const routeTables: Child[] = [];
  const nats: Child[] = [];
  const ids: Record<Kind, string[]> = { Public: [], Private: [], Isolated: [] };
  for (const [at, zone] of zones.entries()) {
    let free = numberOf(address) + at * sizeOf(zoneMask);
    const blocks = args.subnetSpecs.map(({ type, cidrMask }) => {
      const start = blockFrom(free, cidrMask);
      free = start + sizeOf(cidrMask);
      return { type, cidrBlock: `${addressOf(start)}/${cidrMask}` };
    });
    for (const { type, cidrBlock } of blocks.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type))) {
      const child = `${name}-${type.toLowerCase()}-${at + 1}`;
      const own = { Name: child, SubnetType: type };
      const subnet = add("aws:ec2/subnet:Subnet", child, "subnet", label(vpc), {
        assignIpv6AddressOnCreation: false,
        availabilityZone: zone,
        cidrBlock,
        mapPublicIpOnLaunch: type === "Public",
        tags: own,
        vpcId: vpc.id,
      });
      subnets.push(subnet);
      ids[type].push(subnet.id);
      const table = add("aws:ec2/routeTable:RouteTable", child, "rtb", label(subnet), { tags: own, vpcId: vpc.id });
      routeTables.push(table);
      add("aws:ec2/routeTableAssociation:RouteTableAssociation", child, "rtbassoc", label(table), {
        routeTableId: table.id,
        subnetId: subnet.id,
      });
      if (type === "Public" && (strategy === "OnePerAz" || (strategy === "Single" && nats.length === 0))) {
        const gateway = `${name}-${at + 1}`;
        const eip = add("aws:ec2/eip:Eip", gateway, "eipalloc", label(subnet), { tags: { Name: gateway } });
        nats.push(
          add("aws:ec2/natGateway:NatGateway", gateway, "nat", label(subnet), {
            allocationId: eip.id,
            subnetId: subnet.id,
            tags: { Name: gateway },
          }),
        );
      }
      const wayOut =
        type === "Public"
          ? { gatewayId: internet.id }
          : type === "Private" && strategy !== "None"
            ? { natGatewayId: nats[strategy === "Single" ? 0 : at]?.id }
            : undefined;
      if (wayOut !== undefined)
        add("aws:ec2/route:Route", child, "r", label(table), {
          destinationCidrBlock: "0.0.0.0/0",
          routeTableId: table.id,
          ...wayOut,
        });
    }
  }
  const outputs = {
    vpcId: vpc.id,
    publicSubnetIds: ids.Public,
    privateSubnetIds: ids.Private,
    isolatedSubnetIds: ids.Isolated,
    routeTables: routeTables.map(({ id }) => ({ id })),
  };
  return { children, outputs };
}
