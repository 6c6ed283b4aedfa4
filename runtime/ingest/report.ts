import { errorStack, errorText, log } from "../aws/log.ts";
import { defined } from "../domain/defined.ts";

/** Log lines of ingest: failures, and the metrics that alarms watch, in CloudWatch's embedded metric format. */

/** @param what `ingest.<what happened>` */
export function reportFailure(what: string, requestId: string | undefined, cause: unknown): void {
  log("error", what, { ...defined({ request_id: requestId }), error: errorStack(cause) });
}

/** Redis is slow or away, so this instance limits by its own count until Redis answers again. */
export function reportLimiterAway(cause: unknown): void {
  log("warn", "ingest.limiter_failed_open", {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: "Triggers",
          Dimensions: [["stage", "function"]],
          Metrics: [{ Name: "LimiterFailedOpen", Unit: "Count" }],
        },
      ],
    },
    stage: "ingest",
    // Two deployments in one account are told apart by the function's name.
    function: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
    LimiterFailedOpen: 1,
    error: errorText(cause),
  });
}
