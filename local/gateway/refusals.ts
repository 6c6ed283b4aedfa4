/** How each service refuses a call whose signature does not hold. Sources: the services' "Common errors"; S3 "Error responses". */
import { ServiceError } from "../service.ts";

export type SignatureFault =
  /** No signature at all. */
  | "missing"
  /** One that lacks a part, or has one that can't be read. */
  | "malformed"
  /** The same of a link. */
  | "malformed_link"
  /** An access key that is nobody's. */
  | "unknown_key"
  | "mismatch"
  /** Made too long ago, or in the future. */
  | "skew"
  /** A header that matters is not among the signed ones. */
  | "unsigned_header"
  /** A link whose time is over, or has not come. */
  | "expired"
  /** The body is not the one that was signed. */
  | "payload";

type Refusals = Readonly<Record<SignatureFault, readonly [code: string, status: number, message: string]>>;

const TOKEN_INVALID = "The security token included in the request is invalid.";
const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const MISSING = "Request is missing Authentication Token";
const SKEW = "Signature expired or not yet current: the request's time differs too much from the service's.";
const INCOMPLETE = "The signature is incomplete.";
const UNSIGNED = "There were headers present in the request which were not signed.";

/** Amazon S3. */
const objects: Refusals = {
  missing: ["AccessDenied", 403, "Access Denied"],
  malformed: ["AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid."],
  malformed_link: [
    "AuthorizationQueryParametersError",
    400,
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
  ],
  unknown_key: ["InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."],
  mismatch: [
    "SignatureDoesNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  skew: ["RequestTimeTooSkewed", 403, "The difference between the request time and the server's time is too large."],
  unsigned_header: ["AccessDenied", 403, UNSIGNED],
  expired: ["AccessDenied", 403, "Request has expired"],
  payload: [
    "XAmzContentSHA256Mismatch",
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ],
};

/** The query protocol of STS and IAM, and SQS, which kept its codes. */
const query: Refusals = {
  missing: ["MissingAuthenticationToken", 403, MISSING],
  malformed: ["IncompleteSignature", 400, INCOMPLETE],
  malformed_link: ["IncompleteSignature", 400, INCOMPLETE],
  unknown_key: ["InvalidClientTokenId", 403, TOKEN_INVALID],
  mismatch: ["SignatureDoesNotMatch", 403, MISMATCH],
  skew: ["RequestTimeTooSkewed", 403, SKEW],
  unsigned_header: ["SignatureDoesNotMatch", 403, UNSIGNED],
  expired: ["RequestExpired", 400, "Request has expired."],
  payload: ["SignatureDoesNotMatch", 403, MISMATCH],
};

const json = (status: number): Refusals => ({
  missing: ["MissingAuthenticationTokenException", status, MISSING],
  malformed: ["IncompleteSignatureException", status, INCOMPLETE],
  malformed_link: ["IncompleteSignatureException", status, INCOMPLETE],
  unknown_key: ["UnrecognizedClientException", status, TOKEN_INVALID],
  mismatch: ["InvalidSignatureException", status, MISMATCH],
  skew: ["InvalidSignatureException", status, SKEW],
  unsigned_header: ["InvalidSignatureException", status, UNSIGNED],
  expired: ["InvalidSignatureException", status, "Signature expired"],
  payload: ["InvalidSignatureException", status, MISMATCH],
});
/** The JSON protocols answer 400 to all of it, the REST JSON one 403. */
const jsonRpc = json(400);
const restJson = json(403);

const byService = new Map<string, Refusals>([
  ["s3", objects],
  ["sqs", query],
  ["sts", query],
  ["iam", query],
  ["lambda", restJson],
  ["scheduler", restJson],
  ["cloudfront-keyvaluestore", restJson],
]);

/** @param message in place of the usual one */
export function signatureRefusal(service: string, fault: SignatureFault, message?: string): ServiceError {
  const [code, status, usual] = (byService.get(service) ?? jsonRpc)[fault];
  return new ServiceError(code, message ?? usual, status);
}
