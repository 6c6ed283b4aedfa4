import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GatewayFile } from "../local/platform/state.ts";

/** How AWS clients reach the platform that runs here, and what its program exports. @throws Error when there is none */
export function localGateway() {
  const file = join(process.env.TRIGGERS_STATE ?? ".triggers", "gateway.json");
  const gateway = JSON.parse(readFileSync(file, "utf8")) as GatewayFile;
  const { endpoint, access_key_id: accessKeyId, secret_access_key: secretAccessKey, outputs } = gateway;
  return { client: { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } }, outputs };
}
