import type { Context } from "hono";
import { originOf } from "../domain/host.ts";
import { HOST_HEADER } from "../domain/identity/identity.ts";
import type { ApiEnv, Deps } from "./deps.ts";

/** Where the caller reached the platform, without a slash at the end. */
export function baseUrl(deps: Deps, c: Context<ApiEnv>): string {
  const host = c.req.header(HOST_HEADER) ?? deps.env.OWN_HOSTS.split(",")[0] ?? "";
  return originOf(host);
}
