import { defined } from "../defined.ts";
import { errorExamples } from "./errorExamples.ts";
import { type ErrorCode, errorBody, errorCatalog, TriggersError } from "./errors.ts";
import { type FailureEntry, failureCatalog, statusCatalog } from "./failures.ts";

const EXAMPLE_ID = "req_01ARZ3NDEKTSV4RRFFQ69G5FAV";

function section(code: ErrorCode): string {
  const { status, retryable, when, remedy } = errorCatalog[code];
  const { request, message, details, headers = {} } = errorExamples[code];
  const error = new TriggersError(code, message, defined({ details }));
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [
    `## ${code}`,
    `**${status}**, ${retryable ? "the same request can succeed later" : "the same request will fail again"}. ${when}`,
    `*What to do.* ${remedy}`,
    `*Example:* ${request}`,
    ["```", `HTTP ${status}`, ...head, "", JSON.stringify(errorBody(error, EXAMPLE_ID), null, 2), "```"].join("\n"),
  ].join("\n\n");
}

/** Failures of endpoints: they are not our refusals, and have no code. */
function failuresSection(): string {
  const row = (name: string, { explanation, advice }: FailureEntry) => `| ${name} | ${explanation} | ${advice} |`;
  return [
    "## Failed deliveries",
    "What `GET /problems` calls `error`, and the metrics too; where a status says more, it is told by the status.",
    [
      "| error | what it means | what to do |",
      "|---|---|---|",
      ...Object.entries(failureCatalog).map(([error, entry]) => row(`\`${error}\``, entry)),
      ...Object.entries(statusCatalog).map(([status, entry]) => row(status, entry)),
    ].join("\n"),
  ].join("\n\n");
}

/** docs/errors.md: the whole catalog, written from it and never by hand. */
export function errorsMarkdown(): string {
  const codes = Object.keys(errorCatalog) as ErrorCode[];
  const rows = codes.map((code) => {
    const { status, retryable, when } = errorCatalog[code];
    return `| [\`${code}\`](#${code}) | ${status} | ${retryable ? "yes" : "no"} | ${when} |`;
  });
  return `${[
    "# Errors",
    "Every refusal has one shape. `code` is for programs and stays; `message` is for people and may change; `details`, where given, names each thing wrong, with `index` (of the event in an array) and `path` (a JSON Pointer, or the name of a parameter). `request_id` is also the header `x-request-id` of every answer.",
    "`429` and `503` carry `Retry-After` in seconds; every answer to a key carries `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`. A `5xx` never hides an accepted event, and a `202` never covers a lost one.",
    ["| code | status | worth repeating | when |", "|---|---|---|---|", ...rows].join("\n"),
    ...codes.map(section),
    failuresSection(),
  ].join("\n\n")}\n`;
}
