import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { errorText, log } from "../aws/log.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { Table } from "../aws/tables.ts";
import { endsAt, hashOf, readSession, tokenIn } from "../console/sessions.ts";
import { readEnvironment } from "../domain/environment.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { takeTicket } from "../sockets/tickets.ts";
import { type AdmitPorts, admit } from "./admit.ts";
import { admitVariables } from "./environment.ts";

const env = readEnvironment(admitVariables);
const { dynamodb } = clientsOver(signedCalls(settingsHere(5_000)));
const sockets: Table = { dynamodb, name: env.LIVE_TABLE };
const sessions: Table = { dynamodb, name: env.SESSIONS_TABLE };

const ports: AdmitPorts = {
  now: Date.now,
  takeTicket: (text) => takeTicket(sockets, text, Date.now()),
  async session(cookies) {
    const token = tokenIn(cookies.split(/;\s*/));
    const session = token === undefined ? undefined : await readSession(sessions, token, Date.now());
    const member = session?.memberships.find(({ customer_id }) => customer_id === session.customer_id);
    if (token === undefined || session === undefined || member === undefined) return undefined;
    return { id: hashOf(token), member, ends_at: endsAt(session) };
  },
};

const lowerCase = (headers: Readonly<Record<string, string | undefined>> | null): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));

const policy = (effect: "Allow" | "Deny", methodArn: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: effect, Action: "execute-api:Invoke", Resource: methodArn }],
});

/**
 * Authoriser of the WebSocket API. What it answers with `context` comes along with everything that its socket says.
 * @throws Error "Unauthorized", which API Gateway answers as 401
 */
export async function handler(event: APIGatewayRequestAuthorizerEvent) {
  const { methodArn } = event;
  try {
    const { tenant, who, ends_at } = await admit(
      { headers: lowerCase(event.headers), query: event.queryStringParameters ?? {} },
      ports,
    );
    return {
      principalId: tenant,
      policyDocument: policy("Allow", methodArn),
      context: { tenant, who: JSON.stringify(who), ends_at },
    };
  } catch (thrown) {
    if (thrown instanceof TriggersError && thrown.code === "unauthorized") throw new Error("Unauthorized");
    if (!(thrown instanceof TriggersError)) {
      log("error", "live.admit_failed", { error: errorText(thrown) });
      throw thrown;
    }
    log("info", "live.refused", { code: thrown.code });
    return { principalId: "nobody", policyDocument: policy("Deny", methodArn) };
  }
}
