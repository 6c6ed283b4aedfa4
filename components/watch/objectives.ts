import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AlarmTopic } from "./alarmTopic.ts";
import type { ObservabilityArgs } from "./observabilityArgs.ts";

/** What the product promises. */
const objectives = {
  /** 95 % of `POST /events` answered within, milliseconds. */
  acceptMs: 100,
  /** 95 % of events delivered within, milliseconds, first attempt. */
  endToEndMs: 5_000,
  /** Share of requests not answered by a 5xx. */
  availability: 0.999,
} as const;

/**
 * Burn rates: how many times faster than allowed errors use up a 30-day budget. 14.4 spends 2 % of it in an hour, 6
 * spends 5 % in six. Source: Site Reliability Workbook, "Alerting on SLOs", table 5-8.
 */
const burns = [
  { name: "fast", rate: 14.4, long: 3_600, short: 300 },
  { name: "slow", rate: 6, long: 21_600, short: 1_800 },
] as const;

/** Alarms for what the product promises, each before the promise is broken for good. @param parent of what isn't an alarm */
export function watchObjectives(
  topic: AlarmTopic,
  { ingest: taken, handlers }: Pick<ObservabilityArgs, "ingest" | "handlers">,
  parent: pulumi.Resource,
): void {
  const ingest = taken.handler.function.name;
  const requests = (name: string, statistic: string) => ({
    namespace: "AWS/Lambda",
    name,
    statistic,
    dimensions: { FunctionName: ingest },
  });
  topic.alarm("accept-latency", {
    // Of the function itself: for the latency of its URL, AWS offers averages and maxima, no percentiles.
    says: `p95 latency of POST /events is above ${objectives.acceptMs} ms.`,
    runbook: "accept-latency",
    metrics: { value: requests("Duration", "p95") },
    above: objectives.acceptMs,
    points: 15,
    bad: 5,
  });
  for (const { name, rate, long, short } of burns) {
    const window = (seconds: number) =>
      topic.alarm(`availability-${name}-${seconds}`, {
        says: `POST /events used its error budget ${rate} times too fast in the last ${seconds / 60} minutes.`,
        runbook: "availability",
        metrics: { errors: requests("Url5xxCount", "Sum"), requests: requests("UrlRequestCount", "Sum") },
        expression: "errors / requests",
        above: rate * (1 - objectives.availability),
        period: seconds,
        points: 1,
        silent: true,
      });
    topic.both(
      `availability-${name}`,
      { says: `POST /events uses its error budget ${rate} times too fast.`, runbook: "availability" },
      window(long),
      window(short),
    );
  }
  // A standby region delivers nothing.
  if (handlers.deliver !== undefined) watchDelivery(topic, handlers.deliver, parent);
}

function watchDelivery(
  topic: AlarmTopic,
  deliver: ObservabilityArgs["handlers"][string],
  parent: pulumi.Resource,
): void {
  const namespace = `${pulumi.getProject()}/${pulumi.getStack()}`;
  new aws.cloudwatch.LogMetricFilter(
    "end-to-end",
    {
      logGroupName: deliver.logGroup.name,
      pattern: '{ $.message = "deliver.attempted" && $.attempt = 1 && $.since_accepted_ms = * }',
      metricTransformation: {
        namespace,
        name: "SinceAccepted",
        value: "$.since_accepted_ms",
        unit: "Milliseconds",
      },
    },
    { parent },
  );
  topic.alarm("end-to-end-latency", {
    says: `p95 time from acceptance to the first delivery attempt is above ${objectives.endToEndMs / 1_000} s.`,
    runbook: "end-to-end-latency",
    metrics: { value: { namespace, name: "SinceAccepted", statistic: "p95" } },
    above: objectives.endToEndMs,
    points: 15,
    bad: 5,
  });
}
