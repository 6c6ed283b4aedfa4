import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Distribution } from "../blocks/distribution.ts";
import { EDGE_REGION } from "../stack/settings.ts";
import { AlarmTopic } from "./alarmTopic.ts";
import { dashboardBody, graph } from "./dashboard.ts";

export interface EdgeWatchArgs {
  readonly distribution: Distribution;
  /** Who is mailed. @default nobody until someone subscribes to the topic */
  readonly email?: string | undefined;
  readonly protect: boolean;
}

/** Alarms and a dashboard of the public endpoint. */
export class EdgeWatch extends pulumi.ComponentResource {
  constructor(name: string, args: EdgeWatchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:EdgeWatch", name, {}, opts);
    const own = { parent: this };
    const { email, protect } = args;
    const topic = new AlarmTopic("edge-alarms", { region: EDGE_REGION, email, protect }, own);
    const id = args.distribution.distribution.id;
    const metric = (metricName: string, statistic: string) => ({
      namespace: "AWS/CloudFront",
      name: metricName,
      statistic,
      dimensions: { DistributionId: id, Region: "Global" },
    });
    topic.alarm("edge-5xx", {
      says: "More than 1 % of the distribution's responses are 5xx.",
      runbook: "edge",
      metrics: { value: metric("5xxErrorRate", "Average") },
      above: 1,
    });
    topic.alarm("edge-function", {
      says: "The authenticating function fails at the edge, or Lambda@Edge throttles it because a quota is used up.",
      runbook: "edge",
      metrics: {
        execution: metric("LambdaExecutionError", "Sum"),
        validation: metric("LambdaValidationError", "Sum"),
        // AWS's own dashboards and pages spell it both ways.
        limit: metric("LambdaLimitExceededError", "Sum"),
        limits: metric("LambdaLimitExceededErrors", "Sum"),
      },
      expression: "FILL(execution, 0) + FILL(validation, 0) + FILL(limit, 0) + FILL(limits, 0)",
      above: 0,
    });
    const series = (metricName: string) => ["AWS/CloudFront", metricName, "DistributionId", id, "Region", "Global"];
    new aws.cloudwatch.Dashboard(
      `${name}-dashboard`,
      {
        dashboardName: `${pulumi.getProject()}-${pulumi.getStack()}-edge`,
        dashboardBody: dashboardBody([
          graph("Requests at the edge", "Sum", [series("Requests")], EDGE_REGION),
          graph("Errors at the edge, %", "Average", [series("5xxErrorRate"), series("4xxErrorRate")], EDGE_REGION),
        ]),
      },
      own,
    );
    this.registerOutputs();
  }
}
