import { readFileSync } from "node:fs";
import type { CloudFrontRequestEvent, CloudFrontRequestResult } from "aws-lambda";
import { LRUCache } from "lru-cache";
import { type RunTime, withinTime } from "../aws/deadline.ts";
import { errorStack, log } from "../aws/log.ts";
import { growing } from "../domain/growing.ts";
import { USE_NOTED_EVERY_MS } from "../domain/identity/keyRecord.ts";
import { PepperCache } from "../domain/identity/pepperCache.ts";
import { newId } from "../domain/ids.ts";
import type { EdgeConfig } from "./config.ts";
import { KeyCache } from "./keyCache.ts";
import { type EdgePorts, originRequest } from "./originRequest.ts";
import { refusalTrace } from "./refusalTrace.ts";
import { nearestFirst } from "./regions.ts";
import { refusal } from "./request.ts";
import { openDirectory } from "./table.ts";

const config = JSON.parse(readFileSync(new URL("./config.json", import.meta.url), "utf8")) as EdgeConfig;
const now = () => Date.now();
const directory = openDirectory(config, nearestFirst(process.env.AWS_REGION ?? "", config.keys_regions));
const peppers = new PepperCache({ read: directory.peppers, now });
/** Keys whose use this instance has noted, until it may be due again. */
const noted = new LRUCache<string, true>({ ...growing(10_000), ttl: USE_NOTED_EVERY_MS });

const trace = refusalTrace((line) => log("warn", "edge.refused", { ...line }));

const ports: EdgePorts = {
  keys: new KeyCache({ read: directory.read, now }),
  peppers: (version) => peppers.get(version),
  now,
  // Not waited for: the note is coarse, and what is frozen with the instance goes out with its next request.
  used({ key_id }) {
    if (noted.has(key_id)) return;
    noted.set(key_id, true);
    void directory.noteUse(key_id, now());
  },
  failed(requestId, cause) {
    log("error", "edge.failed", { request_id: requestId, error: errorStack(cause) });
  },
  refused: (refused) => trace(now(), refused),
};

/** Origin-request, with the body: says who calls, or refuses. */
export const handler = (event: CloudFrontRequestEvent, context: RunTime): Promise<CloudFrontRequestResult> =>
  withinTime<CloudFrontRequestResult>(context, originRequest(event.Records[0]!.cf.request, ports), (late) => {
    const requestId = newId("req", now());
    ports.failed(requestId, late);
    return refusal(late, requestId);
  });
