/**
 * The forms in which AWS services answer an error, by protocol: JSON 1.0/1.1 (SQS, DynamoDB, Firehose, Secrets Manager,
 * KMS), REST JSON (Lambda, EventBridge Scheduler, CloudFront KeyValueStore), REST XML (S3) and query XML (STS, IAM).
 */
import { own } from "./byName.ts";
import type { ApiAnswer, ApiCall, ServiceError } from "./service.ts";

const escapeXml = (text: string): string =>
  text.replace(/[<>&"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c] as string);

const namespaces: Readonly<Record<string, string>> = {
  dynamodb: "com.amazon.coral.service#",
  sqs: "com.amazon.coral.service#",
};

/** The answer that this service gives for an error; `AccessDenied` takes the name that the protocol has for it. */
export function errorAnswer(
  call: Pick<ApiCall, "service" | "headers">,
  error: ServiceError,
  requestId: string,
): ApiAnswer {
  const { service } = call;
  const denied = error.code === "AccessDenied";
  if (service === "s3") {
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message><RequestId>${requestId}</RequestId></Error>`;
    return {
      status: error.status,
      headers: { "content-type": "application/xml", "x-amz-request-id": requestId },
      body,
    };
  }
  const json = call.headers["content-type"]?.includes("json") === true || call.headers["x-amz-target"] !== undefined;
  if (["lambda", "scheduler", "cloudfront-keyvaluestore", "ses", "execute-api"].includes(service)) {
    const code = denied ? "AccessDeniedException" : error.code;
    return {
      status: error.status,
      headers: { "content-type": "application/json", "x-amzn-errortype": code, "x-amzn-requestid": requestId },
      body: JSON.stringify({ Type: "User", Message: error.message, message: error.message }),
    };
  }
  if (json) {
    const code = denied ? "AccessDeniedException" : error.code;
    return {
      status: denied && service !== "sqs" ? 400 : error.status,
      headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": requestId },
      body: JSON.stringify({
        __type: `${own(namespaces, service) ?? ""}${code}`,
        message: error.message,
        Message: error.message,
      }),
    };
  }
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
  return { status: error.status, headers: { "content-type": "text/xml", "x-amzn-requestid": requestId }, body };
}
