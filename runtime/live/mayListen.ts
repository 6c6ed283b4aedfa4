import type { Channel } from "../domain/live.ts";
import { type Role, requirePermission } from "../domain/people/roles.ts";

/** The call of the API that tells the same: who may make it may listen. */
const sameCall: Readonly<Record<Channel, string>> = {
  metrics: "POST /metrics/query",
  events: "GET /inbox",
  deliveries: "GET /deliveries",
  alerts: "GET /alerts",
};

/** @param role of a person; keys that may open a socket may listen to all @throws TriggersError `forbidden` */
export function requireChannel(role: Role | undefined, channel: Channel): void {
  if (role !== undefined) requirePermission(role, sameCall[channel]);
}
