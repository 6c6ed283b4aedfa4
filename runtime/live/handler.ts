import type {
  APIGatewayEventWebsocketRequestContextV2,
  APIGatewayProxyWebsocketEventV2WithRequestContext,
} from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { errorText, log } from "../aws/log.ts";
import { publisherOver } from "../aws/publisher.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Watcher } from "../domain/live.ts";
import { liveVariables } from "./environment.ts";
import { closed, type Opened, opened, type SocketPorts, said } from "./socket.ts";

const env = readEnvironment(liveVariables);
const { dynamodb, invoke, invokeLater } = clientsOver(signedCalls(settingsHere(10_000)));

const ports: SocketPorts = {
  sockets: { dynamodb, name: env.LIVE_TABLE },
  service: serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION),
  ask: publisherOver(invokeLater, env.PUBLISH_FUNCTION),
  now: Date.now,
  failed: (what, requestId, cause) => log("error", what, { request_id: requestId, error: errorText(cause) }),
};

interface SocketContext extends APIGatewayEventWebsocketRequestContextV2 {
  /** What the authoriser said, each member as text or number. */
  readonly authorizer?: { readonly tenant?: Tenant; readonly who?: string; readonly ends_at?: string | number };
}

function socketOf({ connectionId, authorizer }: SocketContext): Opened {
  const { tenant, who, ends_at } = authorizer ?? {};
  if (tenant === undefined || who === undefined) throw new Error("a socket that no authoriser has let in");
  return { tenant, connection_id: connectionId, who: JSON.parse(who) as Watcher, ends_at: Number(ends_at) };
}

/** Every route of the WebSocket API. What it answers to a message goes back over the socket. */
export async function handler(
  event: APIGatewayProxyWebsocketEventV2WithRequestContext<SocketContext>,
): Promise<{ statusCode: number; body?: string }> {
  const { requestContext, body = "" } = event;
  const socket = socketOf(requestContext);
  switch (requestContext.eventType) {
    case "CONNECT":
      return { statusCode: await opened(socket, ports) };
    case "DISCONNECT":
      await closed(socket, ports);
      return { statusCode: 200 };
    default:
      return { statusCode: 200, body: await said(socket, body, requestContext.requestId, ports) };
  }
}
