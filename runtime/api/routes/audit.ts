import { gunzipSync } from "node:zlib";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { z } from "@hono/zod-openapi";
import { auditHead, auditPage } from "../../database/audit.ts";
import { asCustomer, type Tx } from "../../database/roles.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { environments } from "../../domain/identity/identity.ts";
import { rfc3339 } from "../../domain/time.ts";
import { type AccessRecord, accessKey } from "../../domain/usage/access.ts";
import { listQuery, openList, pageOf, same } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { QueryTime, Timestamp } from "../schemas.ts";

const Entry = z
  .object({
    seq: z.number().int().openapi({ description: "Counts the customer's entries from 1, without gaps." }),
    at: Timestamp,
    actor: z.object({
      type: z.enum(["key", "operator", "person", "platform"]),
      key_id: z.string().optional(),
      person_id: z.string().optional(),
      role: z.string().optional(),
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

const Access = z
  .object({
    seq: z.number().int().openapi({ description: "Counts the hour's records from 1, without gaps." }),
    minute: Timestamp.openapi({ description: "Its beginning." }),
    environment: z.enum(environments),
    key_id: z.string(),
    calls: z.array(
      z.object({
        call: z.string().openapi({ example: "GET /inbox" }),
        outcome: z.string().openapi({
          description: "`ok`, the code of the error that was answered, or `replayed` under an `Idempotency-Key`.",
        }),
        requests: z.number().int(),
        events: z.number().int().openapi({ description: "Events taken in or handed out." }),
        bytes: z.number().int().openapi({ description: "Payload bytes taken in." }),
      }),
    ),
    source_ips: z.array(z.object({ address: z.string(), requests: z.number().int() })).openapi({
      description: "Where the requests came from; of IPv6 the network of 64 bits.",
    }),
    views: z
      .array(
        z.object({
          event_id: z.string(),
          at: Timestamp,
          name: z.string(),
          role: z.string(),
          how: z
            .string()
            .openapi({ description: "`payload`, masked as the role demands, or `reveal`, without its mask." }),
          reason: z.string().nullable(),
        }),
      )
      .optional()
      .openapi({ description: "Payloads that the person `key_id` saw in the console." }),
    prev_hash: z.string(),
    hash: z.string().openapi({
      description:
        "SHA-256, hex, of the JSON array [customer_id, hour, seq, minute, environment, key_id, calls, source_ips, prev_hash], with `views` before `prev_hash` where there are any; members sorted by name.",
    }),
  })
  .openapi("AccessRecord");

const MAX_OBJECT = 500;
const AuditQuery = z.strictObject({
  ...listQuery,
  from_seq: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "must be the number of an entry")
    .transform(Number)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      description: "Begins with the entry of this number, not with the newest.",
    }),
  object: z
    .string()
    .min(1)
    .max(MAX_OBJECT)
    .optional()
    .openapi({ description: "Entries of this object alone, by its id.", example: "sub_01H7RZ2C3D4E5F6G7H8J9K0M1N" }),
});

const AccessQuery = z.strictObject({
  ...listQuery,
  hour: QueryTime.openapi({ description: "Any time within the hour." }),
});

/** The records of an hour, as they were archived. @throws TriggersError `not_found` */
async function readAccess(deps: Deps, customerId: string, hour: string): Promise<AccessRecord[]> {
  try {
    const { Body } = await deps.s3.send(
      new GetObjectCommand({ Bucket: deps.env.AUDIT_BUCKET, Key: accessKey(customerId, hour) }),
    );
    const [_, ...lines] = gunzipSync(await Body!.transformToByteArray())
      .toString("utf8")
      .trimEnd()
      .split("\n");
    return lines.map((line) => JSON.parse(line) as AccessRecord);
  } catch (error) {
    if ((error as Error).name !== "NoSuchKey") throw error;
    throw new TriggersError("not_found", `Nothing is archived for the hour of ${hour}.`);
  }
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/audit",
      tag: "Audit",
      summary: "Audit log: every change, with actor, time, address and outcome",
      description:
        "Newest first. Entries are chained by hash: `npm run audit:verify` finds one that was changed, removed or moved. The header `triggers-audit-head` names the customer, and the newest entry's number and hash.",
      scope: "admin",
      query: AuditQuery,
      responses: pageOf("audit", Entry),
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const list = await openList<number>(deps, `${customer_id}:audit:${query.object ?? ""}`, query);
      const first = query.from_seq === undefined ? undefined : query.from_seq + 1;
      // Of one moment: an entry beyond the head is one that was added behind the log's back.
      const read = async (tx: Tx) => ({
        head: await auditHead(tx, customer_id),
        entries: await auditPage(tx, customer_id, {
          before: list.after ?? first,
          object: query.object,
          limit: list.toRead,
        }),
      });
      const { entries, head } = await asCustomer(deps.db, customer_id, read, "repeatable read");
      c.header("triggers-audit-head", `${customer_id} ${head.seq} ${head.hash}`);
      const { items, next_cursor } = await list.page(entries, same, ({ seq }) => seq);
      return c.json({ audit: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/audit/access",
      tag: "Audit",
      summary: "Calls of one hour, by key and minute",
      description:
        "Oldest first. Made an hour after the hour has ended, for hours in which the customer's keys called anything; the entry `access.archived` of the audit log then names the number of records, the hash of the last, and the entry whose hash the first one follows. `npm run audit:verify` checks them along with the log.",
      scope: "admin",
      query: AccessQuery,
      responses: pageOf("records", Access),
      errors: ["not_found"],
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const hour = rfc3339(Date.parse(query.hour));
      const list = await openList<number>(deps, `${customer_id}:access:${hour.slice(0, 13)}`, query);
      const after = list.after ?? 0;
      const records = (await readAccess(deps, customer_id, hour)).slice(after, after + list.toRead);
      const { items, next_cursor } = await list.page(records, same, (_, count) => after + count);
      return c.json({ records: items, next_cursor });
    },
  );
}
