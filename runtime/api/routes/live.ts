import { z } from "@hono/zod-openapi";
import { defined } from "../../domain/defined.ts";
import { LIVE_PATH, TICKET_MS } from "../../domain/live.ts";
import { rfc3339 } from "../../domain/time.ts";
import { readKey } from "../../keys/keysTable.ts";
import { issueTicket } from "../../sockets/tickets.ts";
import { baseUrl } from "../baseUrl.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "post",
      path: "/live/tickets",
      idempotent: true,
      optionalBody: true,
      tag: "Live",
      summary: "Ask for a ticket to watch live",
      description:
        "Open a WebSocket at `url` with the parameter `ticket`. It can be used once, within 30 s, and shows what the key that asks may see: the sandbox's side for a sandbox key. docs/live.md says what is sent.",
      scope: "events:read",
      body: z.strictObject({}),
      responses: {
        201: {
          description: "The ticket.",
          schema: z.object({
            ticket: z.string(),
            url: z.string().openapi({ example: "wss://api.example.com/live" }),
            expires_at: Timestamp,
          }),
        },
      },
    },
    async (c) => {
      const { key_id, person, limit_per_second } = c.get("identity");
      const until = deps.now() + TICKET_MS;
      const key =
        person === undefined
          ? await readKey({ dynamodb: deps.dynamodb, name: deps.env.KEYS_TABLE }, key_id, "eventual")
          : undefined;
      const expires = key?.expires_at === undefined ? undefined : Date.parse(key.expires_at);
      const ends_at = person === undefined ? expires : person.session?.ends_at;
      const ticket = await issueTicket(
        { dynamodb: deps.dynamodb, name: deps.env.LIVE_TABLE },
        {
          tenant: c.get("tenant"),
          who: {
            limit_per_second,
            ...(person === undefined
              ? { key_id }
              : { person_id: person.person_id, role: person.role, ...defined({ session: person.session?.id }) }),
          },
          until,
          ...defined({ ends_at }),
        },
      );
      const url = `${baseUrl(deps, c).replace(/^http/, "ws")}${LIVE_PATH}`;
      return c.json({ ticket, url, expires_at: rfc3339(until) }, 201);
    },
  );
}
