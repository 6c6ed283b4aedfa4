import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AwsAccess, administratorOf, type GatewayFile } from "../local/platform/state.ts";
import { Refusal } from "./refusal.ts";

export const stateFolder = (): string => process.env.TRIGGERS_STATE ?? ".triggers";

/** A file of the platform that runs on this machine. @throws Refusal with what to do when none runs there */
export function readState<T>(file: string, state = stateFolder()): T {
  try {
    return JSON.parse(readFileSync(join(state, file), "utf8")) as T;
  } catch (cause) {
    throw new Refusal(
      `There is no platform in ${state}. Start one by "npm start", or set TRIGGERS_STATE to its folder.`,
      { cause },
    );
  }
}

/** How AWS clients reach the platform that runs here, and what its program exports. @throws Refusal when there is none */
export function localGateway(): { readonly client: AwsAccess; readonly outputs: GatewayFile["outputs"] } {
  const gateway = readState<GatewayFile>("gateway.json");
  return { client: administratorOf(gateway), outputs: gateway.outputs };
}
