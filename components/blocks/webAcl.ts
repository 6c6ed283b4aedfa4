import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EDGE_REGION } from "../stack/settings.ts";

const WINDOW_SECONDS = 60;

/** An error as every answer has it (a test compares); WAF takes a fixed text, so the request has no id of its own. */
const REFUSAL = JSON.stringify({
  error: {
    code: "rate_limited",
    message: "This address sends too many requests.",
    request_id: "none",
    docs: "/docs/errors#rate_limited",
  },
});

export interface WebAclArgs {
  /** Requests a minute from one address beyond which it is refused, at least 10. */
  readonly perMinute: number;
}

/**
 * What stands before the distribution: addresses that send too much are refused before a function is spent on them. A caller without a valid key can
 * otherwise take the concurrency that the functions of the region share with those at the edge.
 */
export class WebAcl extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: WebAclArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:WebAcl", name, {}, opts);
    const metric = (of: string) => ({
      cloudwatchMetricsEnabled: true,
      metricName: `${pulumi.getProject()}-${pulumi.getStack()}-${of}`,
      sampledRequestsEnabled: false,
    });
    const acl = new aws.wafv2.WebAcl(
      `${name}-acl`,
      {
        region: EDGE_REGION,
        scope: "CLOUDFRONT",
        description: "Refuses addresses that send too much",
        defaultAction: { allow: {} },
        customResponseBodies: [{ key: "too-many", contentType: "APPLICATION_JSON", content: REFUSAL }],
        rules: [
          {
            name: "by-address",
            priority: 0,
            action: {
              block: {
                customResponse: {
                  responseCode: 429,
                  customResponseBodyKey: "too-many",
                  responseHeaders: [{ name: "retry-after", value: String(WINDOW_SECONDS) }],
                },
              },
            },
            statement: {
              rateBasedStatement: {
                limit: args.perMinute,
                evaluationWindowSec: WINDOW_SECONDS,
                aggregateKeyType: "IP",
              },
            },
            visibilityConfig: metric("by-address"),
          },
        ],
        visibilityConfig: metric("web-acl"),
      },
      { parent: this },
    );
    this.arn = acl.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
