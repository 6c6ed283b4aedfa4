import { defined } from "../domain/defined.ts";

/** What ingest says to the log: failures, and the metrics that alarms watch, in CloudWatch's embedded metric format. */

const describe = (cause: unknown): string => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));

/** One line of JSON, so nothing in a caller's text can begin a line of its own. */
const write = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

export function reportFailure(what: string, requestId: string | undefined, cause: unknown): void {
  const id = defined({ request_id: requestId });
  write({ level: "ERROR", message: what, ...id, error: describe(cause), time: new Date().toISOString() });
}

/** Redis was too slow or away, so this instance limits alone for a moment. */
export function reportLimiterAway(cause: unknown): void {
  write({
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
    level: "WARN",
    message: "ingest.limiter_failed_open",
    error: cause instanceof Error ? cause.message : String(cause),
  });
}
