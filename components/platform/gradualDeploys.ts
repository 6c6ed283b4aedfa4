import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Handler } from "../blocks/handler.ts";
import { policyOf, trustOf } from "../blocks/permissions.ts";

// Invariant: with gradual deployments a new version gets traffic only from CodeDeploy, and loses it again when one of the
// function's alarms rings. `pulumi up` publishes versions; .github/scripts/shift.sh then starts the shift.

export interface GradualDeploysArgs {
  readonly enabled: boolean;
  readonly handlers: Readonly<Record<string, Handler<Readonly<Record<string, string>>>>>;
  /** Alarms that stop a shift, by function. */
  readonly alarms: Readonly<Record<string, readonly aws.cloudwatch.MetricAlarm[]>>;
}

/** One function's shift, as the script that starts it needs to know. */
export interface Deployment {
  readonly application: string;
  readonly group: string;
  readonly function: string;
  readonly alias: string;
  /** Newest version, which the shift leads to. */
  readonly version: string;
}

/** CodeDeploy's part: the new version gets ten per cent of the runs for five minutes, and then all. An alarm brings the old version back. */
export class GradualDeploys extends pulumi.ComponentResource {
  readonly deployments: pulumi.Output<readonly Deployment[]>;

  constructor(name: string, args: GradualDeploysArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:GradualDeploys", name, {}, opts);
    this.deployments = args.enabled ? this.create(name, args) : pulumi.output([]);
    this.registerOutputs();
  }

  private create(name: string, { handlers, alarms }: GradualDeploysArgs): pulumi.Output<readonly Deployment[]> {
    const own = { parent: this };
    const application = new aws.codedeploy.Application(`${name}-application`, { computePlatform: "Lambda" }, own);
    const role = new aws.iam.Role(
      `${name}-role`,
      { description: "Shifts traffic between versions", assumeRolePolicy: trustOf("codedeploy.amazonaws.com") },
      own,
    );
    const policy = new aws.iam.RolePolicy(
      `${name}-policy`,
      {
        role: role.name,
        policy: policyOf([
          {
            actions: ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
            resources: Object.values(handlers).flatMap((handler) => [handler.function.arn, handler.target.arn]),
          },
          // As in AWS's own policy for this role: CodeDeploy's documentation leaves open which resource names it asks with, and a
          // shift fails if its alarms can't be read. Source: CodeDeploy User Guide, "AWSCodeDeployRoleForLambdaLimited".
          { actions: ["cloudwatch:DescribeAlarms"], resources: ["*"] },
        ]),
      },
      own,
    );
    const deployments = Object.entries(handlers).map(([id, handler]) => {
      const group = new aws.codedeploy.DeploymentGroup(
        `${id}-shift`,
        {
          appName: application.name,
          deploymentGroupName: id,
          serviceRoleArn: role.arn,
          deploymentConfigName: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
          deploymentStyle: { deploymentType: "BLUE_GREEN", deploymentOption: "WITH_TRAFFIC_CONTROL" },
          autoRollbackConfiguration: { enabled: true, events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"] },
          alarmConfiguration: { enabled: true, alarms: (alarms[id] ?? []).map((alarm) => alarm.name) },
        },
        { ...own, dependsOn: [policy] },
      );
      return pulumi
        .all([application.name, group.deploymentGroupName, handler.function.name, handler.function.version])
        .apply(([app, shift, fn, version]) => ({
          application: app,
          group: shift,
          function: fn,
          alias: "live",
          version,
        }));
    });
    return pulumi.all(deployments);
  }
}
