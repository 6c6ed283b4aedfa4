import { z } from "@hono/zod-openapi";
import { auditHead, auditPage } from "../../database/audit.ts";
import { asCustomer } from "../../database/roles.ts";
import { listQuery, pageOf, readCursor } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { NextCursor, Timestamp } from "../schemas.ts";

const Entry = z
  .object({
    seq: z.number().int().openapi({ description: "Counts the customer's entries from 1, without gaps." }),
    at: Timestamp,
    actor: z.object({
      type: z.enum(["key", "operator", "platform"]),
      key_id: z.string().optional(),
      name: z.string().optional(),
    }),
    action: z.string().openapi({ example: "subscription.create" }),
    object: z.string().nullable().openapi({ description: "Id of what was changed." }),
    source_ip: z.string().nullable(),
    outcome: z.string().openapi({ description: "`ok`, or the code of the error that was answered." }),
    details: z.record(z.string(), z.unknown()),
    prev_hash: z.string(),
    hash: z.string().openapi({
      description:
        "SHA-256, hex, of the JSON array [customer_id, seq, at, actor, action, object, source_ip, outcome, details, prev_hash], members sorted by name.",
    }),
  })
  .openapi("AuditEntry");

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/audit",
      tag: "Audit",
      summary: "Who changed what, when, from where, with which outcome",
      description:
        "Newest first. Entries are chained by hash: `npm run audit:verify` finds one that was changed, removed or moved. The header `triggers-audit-head` names the customer, and the newest entry's number and hash.",
      scope: "admin",
      query: z.strictObject(listQuery),
      responses: {
        200: { description: "One page.", schema: z.object({ audit: z.array(Entry), next_cursor: NextCursor }) },
      },
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const purpose = `${customer_id}:audit`;
      const before = query.cursor === undefined ? undefined : await readCursor<number>(deps, purpose, query.cursor);
      const { entries, head } = await asCustomer(deps.db, customer_id, async (tx) => ({
        head: await auditHead(tx, customer_id),
        entries: await auditPage(tx, customer_id, before, query.limit + 1),
      }));
      c.header("triggers-audit-head", `${customer_id} ${head.seq} ${head.hash}`);
      const { items, next_cursor } = await pageOf(deps, purpose, entries, query.limit, ({ seq }) => seq);
      return c.json({ audit: items, next_cursor });
    },
  );
}
