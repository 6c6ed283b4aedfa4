/** Names and codes by which pg, Node and the AWS SDK say that a part can't be reached or is overwhelmed. */
const AWAY = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "TimeoutError",
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
  "08000",
  "08003",
  "08006",
  "ThrottlingException",
  "ProvisionedThroughputExceededException",
  "ServiceUnavailable",
  "TooManyRequestsException",
]);
const SAID = /connection terminated|timeout exceeded when trying to connect|connection timeout/i;

/** Whether this failure is an outage of something we depend on (503), not a fault of ours (500). */
export function isUnavailable(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (AWAY.has(error.name) || AWAY.has(String((error as NodeJS.ErrnoException).code)) || SAID.test(error.message)) {
      return true;
    }
    if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true;
  }
  return false;
}
