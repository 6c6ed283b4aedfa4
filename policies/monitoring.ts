import { at, listAt, type Resource, type Rule, refersTo, type Stack, textAt } from "./rule.ts";

/** What happens is written down, and somebody hears when it goes wrong. */

const logged = ["SOC 2 CC7.2"];
const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";
const functions = "aws:lambda/function:Function";
const atEdge = ({ props }: Resource): boolean => props.skipDestroy === true;

/** Whether an alarm looks at this metric of this resource. */
const watches = (one: Resource, metricName: string, subject: Resource): boolean =>
  listAt(one.props, "metricQueries").some(
    (query) =>
      at(query, "metric.metricName") === metricName && refersTo({ ...one, props: { query } }, "query", subject),
  );

const watched = (subject: Resource, stack: Stack, metrics: readonly string[]): string | undefined => {
  const missing = metrics.filter((metric) => !stack.of(alarm).some((one) => watches(one, metric, subject)));
  return missing.length === 0 ? undefined : `no alarm watches ${missing.join(", ")}`;
};

/** Runs that people start by hand or a deployment starts, whose failure that deployment shows. */
const notServing = ["bootstrap"];

export const monitoring: readonly Rule[] = [
  {
    name: "function-logs",
    description: "Every function writes JSON to a log group of its own that this program declares.",
    severity: "medium",
    remedy: "Create functions through Handler.",
    serves: logged,
    subjects: [functions],
    evidence: ["loggingConfig"],
    wholeStack: true,
    check: (subject, stack) => {
      if (at(subject.props, "loggingConfig.logFormat") !== "JSON") return "its log lines are not JSON";
      if (atEdge(subject)) return undefined;
      return stack.of("aws:cloudwatch/logGroup:LogGroup").some((group) => refersTo(subject, "loggingConfig", group))
        ? undefined
        : "its log group is none of the stack's";
    },
  },
  {
    name: "socket-logged",
    description:
      "Every handshake and message of a WebSocket API is a line in an access log of this program, without its text.",
    severity: "medium",
    remedy: "Set `accessLogSettings` with a log group of the stack, and leave `dataTraceEnabled` off.",
    serves: ["FSBP APIGateway.9", ...logged],
    subjects: ["aws:apigatewayv2/stage:Stage"],
    evidence: ["accessLogSettings", "defaultRouteSettings.dataTraceEnabled"],
    wholeStack: true,
    check: (subject, stack) => {
      if (at(subject.props, "defaultRouteSettings.dataTraceEnabled") === true) return "messages are written to a log";
      return stack.of("aws:cloudwatch/logGroup:LogGroup").some((group) => refersTo(subject, "accessLogSettings", group))
        ? undefined
        : "its access log is none of the stack's";
    },
  },
  {
    name: "function-traced",
    description: "Every regional function is traced.",
    severity: "low",
    remedy: 'Set `tracingConfig.mode: "Active"`.',
    serves: ["FSBP Lambda.7", ...logged],
    subjects: [functions],
    evidence: ["tracingConfig.mode"],
    check: (subject) =>
      atEdge(subject) || at(subject.props, "tracingConfig.mode") === "Active" ? undefined : "runs are not traced",
  },
  {
    name: "function-watched",
    description: "Every function has alarms for failed, refused and slow runs.",
    severity: "high",
    remedy: "Name the function in `handlers` of Observability.",
    serves: logged,
    subjects: [functions],
    evidence: ["name"],
    wholeStack: true,
    check: (subject, stack) =>
      atEdge(subject) || notServing.includes(subject.name)
        ? undefined
        : watched(subject, stack, ["Errors", "Throttles", "Duration"]),
  },
  {
    name: "queue-watched",
    description: "Every queue has an alarm for its oldest message, every dead-letter queue one for its first.",
    severity: "high",
    remedy: "Name the queue in `queues` of Observability.",
    serves: logged,
    subjects: ["aws:sqs/queue:Queue"],
    evidence: ["name"],
    wholeStack: true,
    check: (subject, stack) =>
      watched(subject, stack, [
        subject.props.redrivePolicy === undefined
          ? "ApproximateNumberOfMessagesVisible"
          : "ApproximateAgeOfOldestMessage",
      ]),
  },
  {
    name: "edge-watched",
    description: "The distribution has alarms for its errors and for those of the function at the edge.",
    severity: "high",
    remedy: "Pass the edge to Observability.",
    serves: logged,
    subjects: ["aws:cloudfront/distribution:Distribution"],
    evidence: ["id"],
    wholeStack: true,
    check: (subject, stack) =>
      watched(subject, stack, [
        "5xxErrorRate",
        "LambdaExecutionError",
        "LambdaValidationError",
        "LambdaLimitExceededErrors",
      ]),
  },
  {
    name: "alarm-has-runbook",
    description: "Every alarm says what is wrong and names the page that says what to do.",
    severity: "medium",
    remedy: "Create alarms through AlarmTopic with a `runbook`.",
    serves: ["SOC 2 CC7.3"],
    subjects: [alarm, "aws:cloudwatch/compositeAlarm:CompositeAlarm"],
    evidence: ["alarmDescription"],
    check: ({ props }) =>
      /Runbook: docs\/runbooks\/[a-z0-9-]+\.md$/.test(textAt(props, "alarmDescription"))
        ? undefined
        : "`alarmDescription` names no runbook",
  },
  {
    name: "alarm-tells-somebody",
    description: "Every alarm speaks through a topic, or is part of one that does.",
    severity: "high",
    remedy: "Create alarms through AlarmTopic.",
    serves: ["FSBP CloudWatch.15", "SOC 2 CC7.3"],
    subjects: [alarm],
    evidence: ["alarmActions"],
    wholeStack: true,
    check: (subject, stack) => {
      const actions = at(subject.props, "alarmActions");
      if (Array.isArray(actions) && actions.length > 0) return undefined;
      return stack
        .of("aws:cloudwatch/compositeAlarm:CompositeAlarm")
        .some((composite) => refersTo(composite, "alarmRule", subject))
        ? undefined
        : "nobody hears it";
    },
  },
  {
    name: "distribution-logs",
    description: "The distribution writes an access log.",
    severity: "medium",
    remedy: "Deliver ACCESS_LOGS of the distribution, as Distribution does.",
    serves: ["FSBP CloudFront.5", ...logged],
    subjects: ["aws:cloudfront/distribution:Distribution"],
    evidence: ["arn"],
    wholeStack: true,
    check: (subject, stack) =>
      stack
        .of("aws:cloudwatch/logDeliverySource:LogDeliverySource")
        .some((one) => refersTo(one, "resourceArn", subject))
        ? undefined
        : "requests are not logged",
  },
  {
    name: "bucket-logs",
    description: "Every bucket of customer data writes an access log.",
    severity: "medium",
    remedy: "Give DataBucket its `accessLogs`.",
    serves: ["FSBP S3.9", ...logged],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["bucket"],
    wholeStack: true,
    check: (bucket, stack) => {
      const logging = stack.of("aws:s3/bucketLogging:BucketLogging");
      const isTarget =
        logging.some((one) => refersTo(one, "targetBucket", bucket)) ||
        stack
          .of("aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination")
          .some(({ props }) => JSON.stringify(props).includes(`arn:aws:s3:::${String(bucket.props.bucket ?? "")}/`));
      return isTarget || logging.some((one) => refersTo(one, "bucket", bucket)) ? undefined : "accesses are not logged";
    },
  },
  {
    name: "database-logs",
    description: "The database sends its logs to CloudWatch.",
    severity: "medium",
    remedy: 'Set `enabledCloudwatchLogsExports: ["postgresql", "upgrade"]`.',
    serves: ["FSBP RDS.9", ...logged],
    subjects: ["aws:rds/instance:Instance"],
    evidence: ["enabledCloudwatchLogsExports"],
    check: ({ props }) => {
      const exported = (at(props, "enabledCloudwatchLogsExports") ?? []) as readonly string[];
      const missing = ["postgresql", "upgrade"].filter((log) => !exported.includes(log));
      return missing.length === 0 ? undefined : `not exported: ${missing.join(", ")}`;
    },
  },
  {
    name: "network-logs",
    description: "The network writes a flow log of everything.",
    severity: "medium",
    remedy: 'Create a FlowLog with `trafficType: "ALL"` for the network.',
    serves: ["FSBP EC2.6", "CIS AWS 3.0 3.7", ...logged],
    subjects: ["aws:ec2/flowLog:FlowLog"],
    evidence: ["trafficType"],
    check: ({ props }) => (props.trafficType === "ALL" ? undefined : "part of the traffic is not logged"),
  },
];
