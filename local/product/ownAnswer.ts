import { type ErrorCode, errorResponse, TriggersError } from "../../runtime/domain/errors/errors.ts";
import { newId } from "../../runtime/domain/ids.ts";
import type { GeneratedResponse } from "../cloudfront/viewerFunction.ts";

/**
 * An answer that CloudFront itself makes. It has the format that the platform promises of every refusal, where CloudFront's
 * own is a page of HTML: a client that is built on this machine meets one format. docs/decisions/edge-errors.md.
 */
export function ownAnswer(code: ErrorCode, message: string, headers: Record<string, string> = {}): GeneratedResponse {
  const error = new TriggersError(code, message, { headers });
  const { status, headers: own, body } = errorResponse(error, newId("req"));
  return { status, headers: { "x-cache": "Error from cloudfront", ...own }, body };
}
