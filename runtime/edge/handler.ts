import { readFileSync } from "node:fs";
import type { CloudFrontRequestEvent, CloudFrontRequestResult } from "aws-lambda";
import { LRUCache } from "lru-cache";
import { asTriggersError, TriggersError } from "../domain/errors.ts";
import { BODY_FAULT_HEADER, type Identity } from "../domain/identity.ts";
import { newId } from "../domain/ids.ts";
import { USE_NOTED_EVERY_MS } from "../domain/keyRecord.ts";
import { tooLarge } from "../domain/requestBody.ts";
import { authenticate } from "./authenticate.ts";
import type { EdgeConfig } from "./config.ts";
import { KeyCache } from "./keyCache.ts";
import { PepperCache } from "./pepperCache.ts";
import { nearestFirst } from "./regions.ts";
import { authorizationOf, header, isPublic, prepareBody, refusal, sign, strip } from "./request.ts";
import { openDirectory } from "./table.ts";

const config = JSON.parse(readFileSync(new URL("./config.json", import.meta.url), "utf8")) as EdgeConfig;
const now = () => Date.now();
const directory = openDirectory(config, nearestFirst(process.env.AWS_REGION ?? "", config.keys_regions));
const keys = new KeyCache({ read: directory.read, now });
const peppers = new PepperCache({ read: directory.peppers, now });
/** Keys whose use this instance has noted, until it may be due again. */
const noted = new LRUCache<string, true>({ max: 10_000, ttl: USE_NOTED_EVERY_MS });

/** Not waited for: the note is coarse, and what is frozen with the instance goes out with its next request. */
function noteUse({ key_id }: Identity): void {
  if (noted.has(key_id)) return;
  noted.set(key_id, true);
  void directory.noteUse(key_id, now());
}

/** Origin-request, with the body: says who calls, or refuses. */
export async function handler(event: CloudFrontRequestEvent): Promise<CloudFrontRequestResult> {
  const { request } = event.Records[0]!.cf;
  const requestId = newId("req");
  try {
    const authorization = authorizationOf(request);
    strip(request);
    let identity: Identity | undefined;
    if (!isPublic(request.uri)) {
      const authenticator = { keys, peppers: (version?: string) => peppers.get(version), now };
      identity = await authenticate(authorization, request.clientIp, authenticator);
      noteUse(identity);
    }
    sign(request, requestId, identity);
    prepareBody(request);
    refuseFault(request);
    return request;
  } catch (thrown) {
    const error = asTriggersError(thrown);
    if (error.status >= 500) {
      const cause = (error.cause ?? error) as Error;
      const line = {
        level: "ERROR",
        message: "edge.failed",
        request_id: requestId,
        error: cause.stack ?? String(cause),
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    return refusal(error, requestId);
  }
}

/** `POST /events` answers a faulty body itself, for its answers tell the limit; elsewhere the edge does. */
function refuseFault(request: CloudFrontRequestEvent["Records"][0]["cf"]["request"]): void {
  const fault = header(request, BODY_FAULT_HEADER);
  if (fault === undefined || request.uri === "/events") return;
  throw fault === "payload_too_large"
    ? tooLarge()
    : new TriggersError("invalid_json", "The body is not valid JSON: the text is not UTF-8.");
}
