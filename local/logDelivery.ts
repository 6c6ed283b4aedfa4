import { onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import type { BucketWriters, Writer } from "./s3/writers.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/**
 * What AWS's log delivery service brings to buckets: flow logs of networks and access logs of CloudFront. Nothing is written here, but
 * bucket policies change as they do in AWS: a flow log puts its own policy in place of the bucket's, and a delivery adds its
 * statements where they are missing. Sources: VPC user guide, "Amazon S3 bucket permissions for flow logs"; CloudWatch Logs user guide, "Logs
 * sent to Amazon S3". For flow logs the two contradict each other; what holds under the stricter one holds under both.
 */
const SERVICE = "delivery.logs.amazonaws.com";

/** @param writers to the buckets that are delivered to */
export function createLogDelivery(context: LocalContext, writers: BucketWriters): LocalService {
  /** What each destination's ARN stands for. */
  const destinations = new Map<string, string>();
  const { accountId } = context;

  /** The statements that AWS itself writes. */
  const statements = (bucket: string, region: string) => {
    const only = {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnLike: { "aws:SourceArn": `arn:aws:logs:${region}:${accountId}:*` },
    };
    const allow = (Sid: string, Action: string, Resource: string) => ({
      Sid,
      Effect: "Allow",
      Principal: { Service: SERVICE },
      Action,
      Resource,
      Condition: only,
    });
    return [
      allow("AWSLogDeliveryWrite", "s3:PutObject", `arn:aws:s3:::${bucket}/*`),
      allow("AWSLogDeliveryAclCheck", "s3:GetBucketAcl", `arn:aws:s3:::${bucket}`),
    ];
  };

  const writer = (what: string, target: string, source: string, region: string): Writer => {
    const [bucket = "", ...prefix] = target.replace(/^arn:aws:s3:::/, "").split("/");
    return {
      what,
      service: SERVICE,
      bucket,
      key: [...prefix.filter((part) => part !== ""), "AWSLogs", accountId, "log.gz"].join("/"),
      looks: true,
      context: { "aws:sourceaccount": accountId, "aws:sourcearn": `arn:aws:logs:${region}:${accountId}:${source}` },
    };
  };

  async function createFlowLog(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "vpcId trafficType logDestinationType logDestination maxAggregationInterval destinationOptions logFormat",
    );
    const { inputs, name, type } = request;
    if (inputs.logDestinationType !== "s3")
      throw new Error(`${type} "${name}": the local platform has flow logs to S3 alone`);
    const region = regionOf(request, context);
    const flows = writer(`the flow log ${name}`, required(request, "logDestination"), "*", region);
    writers.replace(flows.bucket, statements(flows.bucket, region));
    writers.expect(flows);
    const id = `fl-${name}`;
    return { id, state: { ...inputs, arn: `arn:aws:ec2:${region}:${accountId}:vpc-flow-log/${id}` } };
  }

  const named =
    (kind: string) =>
    async (request: ResourceRequest): Promise<Created> => {
      const name = physicalName(request);
      const arn = `arn:aws:logs:${regionOf(request, context)}:${accountId}:${kind}:${name}`;
      return { id: name, state: { ...request.inputs, name, arn } };
    };

  async function createDestination(request: ResourceRequest): Promise<Created> {
    const created = await named("delivery-destination")(request);
    const { destinationResourceArn } = (request.inputs.deliveryDestinationConfiguration ?? {}) as Record<
      string,
      unknown
    >;
    destinations.set(String(created.state.arn), String(destinationResourceArn));
    return created;
  }

  async function createDelivery(request: ResourceRequest): Promise<Created> {
    const { inputs, name, type } = request;
    const target = destinations.get(required(request, "deliveryDestinationArn"));
    if (target === undefined) throw new Error(`${type} "${name}": there is no such destination`);
    if (target.startsWith("arn:aws:s3:::")) {
      const region = regionOf(request, context);
      const source = `delivery-source:${optional(inputs, "deliverySourceName", "string") ?? ""}`;
      const logs = writer(`the log delivery ${name}`, target, source, region);
      if (writers.refusedTo(logs) !== undefined) writers.append(logs.bucket, statements(logs.bucket, region));
      writers.expect(logs);
    }
    return { id: name, state: { ...inputs, arn: `arn:aws:logs:${context.region}:${accountId}:delivery:${name}` } };
  }

  return {
    resources: {
      "aws:ec2/flowLog:FlowLog": createFlowLog,
      "aws:cloudwatch/logDelivery:LogDelivery": createDelivery,
      "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": createDestination,
      "aws:cloudwatch/logDeliverySource:LogDeliverySource": named("delivery-source"),
    },
    async start() {
      writers.check();
    },
    async close() {},
  };
}
