import type { Duplex } from "node:stream";
import pg from "pg";
import type { Upstream } from "./front.ts";

/** What `pg` keeps of a connection: its stream, and what the server tells of itself. */
interface Connection {
  readonly stream: Duplex;
  on(event: "parameterStatus", listener: (status: { parameterName: string; parameterValue: string }) => void): void;
}

/**
 * A session of the server that a URL names, signed in as the URL says: by password in any form that PostgreSQL asks for, over TLS where
 * the URL wants it. `pg` does that, and is then taken off the connection.
 * @throws Error as `pg` says it
 */
export async function sessionOf(url: string): Promise<Upstream> {
  const client = new pg.Client({ connectionString: url });
  const { connection } = client as unknown as { connection: Connection };
  const settings: Record<string, string> = {};
  connection.on("parameterStatus", ({ parameterName, parameterValue }) => {
    settings[parameterName] = parameterValue;
  });
  await client.connect();
  const { stream } = connection;
  for (const event of ["data", "error", "close", "end"]) stream.removeAllListeners(event);
  return { socket: stream, settings };
}
