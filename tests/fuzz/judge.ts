import { errorCatalog } from "../../runtime/domain/errors/errors.ts";
import type { Case } from "./cases.ts";
import type { Outcome } from "./inProcess.ts";

const parses = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What is wrong with an answer to this case, undefined when nothing is. */
export function judge(one: Case, { status, body, headers, sent }: Outcome): string | undefined {
  if (!(status >= 200 && status < 500)) return `it was answered ${status}`;
  for (const [name, value] of Object.entries(headers))
    if (/[\r\n\0]/.test(value)) return `the header ${name} holds a line break`;
  if (!/^req_[0-9A-Z]{26}$/.test(headers["x-request-id"] ?? "")) return "it has no request id of ours";
  if (one.method === "OPTIONS" && status === 204)
    return body === "" && sent === 0 ? undefined : "OPTIONS did something";
  const answer = parses(body) as { error?: { code?: string; request_id?: string } } | undefined;
  if (answer === undefined) return "its body is not JSON";
  if (status !== 202) {
    const code = answer.error?.code;
    if (code === undefined || !(code in errorCatalog)) return `its error has the code ${String(code)}`;
    if (errorCatalog[code as keyof typeof errorCatalog].status !== status) return `${code} came with ${status}`;
    if (answer.error?.request_id !== headers["x-request-id"]) return "its request ids differ";
    return sent === 0 ? undefined : `${status} was answered for ${sent} events sent`;
  }
  if (one.plain === undefined) return undefined;
  // What was accepted is UTF-8 JSON of objects, as JSON.parse sees it, and all of it went out, unless it is a replay.
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(one.plain);
  } catch {
    return "text that is not UTF-8 was accepted";
  }
  const value = parses(text);
  const events = Array.isArray(value) ? value : [value];
  if (value === undefined) return "text that is not JSON was accepted";
  if (!events.every((event) => typeof event === "object" && event !== null && !Array.isArray(event)))
    return "what is no object was accepted";
  const replayed = headers["idempotency-replayed"] === "true";
  return sent === (replayed ? 0 : events.length) ? undefined : `${events.length} events were accepted and ${sent} sent`;
}
