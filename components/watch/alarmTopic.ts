import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined } from "../../runtime/domain/defined.ts";
import { EncryptionKey, forAccount } from "../blocks/encryptionKey.ts";
import { refusePlainText } from "../blocks/permissions.ts";

/** A metric of one resource, or an expression over several. */
export interface Metric {
  /** @example "AWS/SQS" */
  readonly namespace: string;
  readonly name: string;
  readonly dimensions?: Readonly<Record<string, pulumi.Input<string>>>;
  /** `Sum`, `Maximum`, `Average` or a percentile such as `p95`. */
  readonly statistic: string;
}

/** When an alarm rings. */
type Limit =
  /** Above this. Missing data is good: the metric had nothing to count. */
  | { readonly above: number; readonly below?: never }
  /** Below this, and when data is missing: a metric that is watched for being too low has to report. */
  | { readonly below: number; readonly above?: never };

interface Watched {
  /** What is wrong when it rings, as a sentence. */
  readonly says: string;
  /** Page in docs/runbooks, without its extension. */
  readonly runbook: string;
  /** Metrics by the name that `expression` gives them; a lone one needs no expression. */
  readonly metrics: Readonly<Record<string, Metric>>;
  /** CloudWatch metric math over the names. @example "errors / requests" */
  readonly expression?: string;
  /** Seconds that one data point covers. @default 60 */
  readonly period?: number;
  /** Data points looked at. @default 5 */
  readonly points?: number;
  /** Data points of them that must be bad. @default as many as `points` */
  readonly bad?: number;
  /** Part of a composite alarm: tells nobody by itself. @default false */
  readonly silent?: boolean;
}

export type AlarmSpec = Watched & Limit;

export interface AlarmTopicArgs {
  /** Region of the topic and its alarms: CloudWatch tells only topics of its own region. */
  readonly region: string;
  /** Who is mailed. @default nobody until someone subscribes to the topic */
  readonly email?: string | undefined;
  readonly protect: boolean;
}

/** A topic of one region, and the alarms that speak through it. */
export class AlarmTopic extends pulumi.ComponentResource {
  readonly topic: aws.sns.Topic;
  private readonly region: string;

  constructor(name: string, args: AlarmTopicArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:AlarmTopic", name, {}, opts);
    const own = { parent: this };
    const { region } = args;
    this.region = region;
    const services = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"];
    const key = new EncryptionKey(
      name,
      { purpose: "Alarms on their way", services: services.map(forAccount), region, protect: args.protect },
      own,
    );
    this.topic = new aws.sns.Topic(`${name}-topic`, { region, kmsMasterKeyId: key.arn }, own);
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    new aws.sns.TopicPolicy(
      `${name}-topic`,
      {
        region,
        arn: this.topic.arn,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "AlarmsAndBudgets",
              Effect: "Allow",
              Principal: { Service: services },
              Action: "sns:Publish",
              Resource: this.topic.arn,
              Condition: { StringEquals: { "aws:SourceAccount": account } },
            },
            refusePlainText(["sns:Publish"], [this.topic.arn]),
          ],
        }),
      },
      own,
    );
    if (args.email !== undefined) {
      new aws.sns.TopicSubscription(
        `${name}-mail`,
        { region, topic: this.topic.arn, protocol: "email", endpoint: args.email },
        own,
      );
    }
    this.registerOutputs({ arn: this.topic.arn });
  }

  /** An alarm that rings through the topic. */
  alarm(name: string, spec: AlarmSpec): aws.cloudwatch.MetricAlarm {
    const { period = 60, points = 5, bad = points, expression } = spec;
    const metrics = Object.entries(spec.metrics);
    const query = ([id, { namespace, name: metricName, dimensions, statistic }]: [string, Metric]) => ({
      id,
      returnData: expression === undefined,
      metric: { namespace, metricName, stat: statistic, period, ...defined({ dimensions }) },
    });
    const actions = spec.silent === true ? {} : { alarmActions: [this.topic.arn], okActions: [this.topic.arn] };
    return new aws.cloudwatch.MetricAlarm(
      `${name}-alarm`,
      {
        region: this.region,
        alarmDescription: descriptionOf(spec),
        comparisonOperator: spec.below === undefined ? "GreaterThanThreshold" : "LessThanThreshold",
        threshold: spec.below ?? spec.above,
        evaluationPeriods: points,
        datapointsToAlarm: bad,
        treatMissingData: spec.below === undefined ? "notBreaching" : "breaching",
        metricQueries: [
          ...metrics.map(query),
          ...(expression === undefined ? [] : [{ id: "value", expression, label: spec.says, returnData: true }]),
        ],
        ...actions,
      },
      { parent: this },
    );
  }

  /** An alarm that rings while both others do: the long window proves that it matters, the short that it still does. */
  both(
    name: string,
    spec: Pick<AlarmSpec, "says" | "runbook">,
    one: aws.cloudwatch.MetricAlarm,
    other: typeof one,
  ): void {
    new aws.cloudwatch.CompositeAlarm(
      `${name}-alarm`,
      {
        region: this.region,
        alarmName: `${pulumi.getProject()}-${pulumi.getStack()}-${name}`,
        alarmDescription: descriptionOf(spec),
        alarmRule: pulumi.interpolate`ALARM("${one.name}") AND ALARM("${other.name}")`,
        alarmActions: [this.topic.arn],
        okActions: [this.topic.arn],
      },
      { parent: this },
    );
  }
}

const descriptionOf = ({ says, runbook }: Pick<AlarmSpec, "says" | "runbook">): string =>
  `${says} Runbook: docs/runbooks/${runbook}.md`;
