import { z } from "@hono/zod-openapi";
import type { Selectable } from "kysely";
import { countInTurn } from "../../database/caps.ts";
import { asCustomer, type Tx } from "../../database/roles.ts";
import type { PersonTable } from "../../database/schema.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { type Identity, OPERATOR, requireLive } from "../../domain/identity/identity.ts";
import { newId } from "../../domain/ids.ts";
import { customerRoles, type Role, roles, scopesOf } from "../../domain/people/roles.ts";
import { rfc3339 } from "../../domain/time.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";

const TAG = "People";

const PersonSchema = z
  .object({
    person_id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    role: z.enum(roles),
    status: z.enum(["invited", "active"]),
    invited_by: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    last_signed_in_at: Timestamp.nullable(),
  })
  .openapi("Person");
const PersonId = z.object({ person_id: ulidParam("psn") });
const MOST_PEOPLE = 1_000;

type PersonRow = Selectable<PersonTable>;
const viewOf = (row: PersonRow) => ({
  person_id: row.person_id,
  email: row.email,
  name: row.name,
  role: row.role,
  status: row.status,
  invited_by: row.invited_by,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  last_signed_in_at: row.signed_in_at?.toISOString() ?? null,
});

/** The roles that there are in a customer, and in the operator. @throws TriggersError `invalid_request` */
function refuseRole(customerId: string, role: Role): void {
  const possible: readonly Role[] = customerId === OPERATOR ? ["operator"] : customerRoles;
  if (possible.includes(role)) return;
  throw invalidBody({ path: "/role", message: `must be one of ${possible.join(", ")}` });
}

/** Who decides on people in the customer: there is always one left. */
const decider = (customerId: string): Role => (customerId === OPERATOR ? "operator" : "owner");

/**
 * Nobody is left who could invite others. An invited owner counts from the first sign-in on.
 * @throws TriggersError `conflict`
 */
async function refuseLastOwner(tx: Tx, row: PersonRow): Promise<void> {
  const role = decider(row.customer_id);
  if (row.role !== role || row.status !== "active") return;
  const others = await tx
    .selectFrom("people")
    .select("person_id")
    .where("customer_id", "=", row.customer_id)
    .where("role", "=", role)
    .where("status", "=", "active")
    .where("person_id", "<>", row.person_id)
    // Two owners who remove each other at once wait for each other, and the second is refused.
    .forUpdate()
    .executeTakeFirst();
  if (others === undefined)
    throw new TriggersError("conflict", `This is the last ${role}: give the role to somebody else first.`);
}

/** @throws TriggersError `not_found` */
async function lockedPerson(tx: Tx, customerId: string, id: string): Promise<PersonRow> {
  const rows = await tx
    .selectFrom("people")
    .selectAll()
    .where("customer_id", "=", customerId)
    .where("status", "<>", "removed")
    .where((eb) => eb.or([eb("person_id", "=", id), eb("role", "=", decider(customerId))]))
    .orderBy("person_id")
    .forUpdate()
    .execute();
  const found = rows.find(({ person_id }) => person_id === id);
  if (found === undefined) throw noSuch("person", id);
  return found;
}

/**
 * A key gives nobody a role that does more than itself.
 * @throws TriggersError `forbidden`
 */
function refuseMoreThanOwn({ person, scopes }: Identity, role: Role): void {
  const missing = scopesOf[role].find((scope) => !scopes.includes(scope));
  if (person === undefined && missing !== undefined)
    throw new TriggersError(
      "forbidden",
      `The role ${role} does more than this key, which lacks the scope "${missing}".`,
    );
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/people",
      tag: TAG,
      summary: "List the people who may sign in",
      scope: "admin",
      query: z.strictObject(listQuery),
      responses: pageOf("people", PersonSchema),
    },
    async (c, { query }) => {
      const { customer_id } = c.get("identity");
      const list = await openList<string>(deps, `${customer_id}:people`, query);
      const rows = await asCustomer(deps.db, customer_id, (tx) =>
        tx
          .selectFrom("people")
          .selectAll()
          .where("customer_id", "=", customer_id)
          .where("status", "<>", "removed")
          .where("person_id", ">", list.after ?? "")
          .orderBy("person_id")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewOf, ({ person_id }) => person_id);
      return c.json({ people: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/people",
      idempotent: true,
      tag: TAG,
      summary: "Invite a person",
      description:
        "Who signs in with this address, verified by the issuer, has the role from then on. For a live key, or an owner in the console.",
      scope: "admin",
      action: "person.invite",
      body: z.strictObject({
        email: z.email().max(254),
        name: z.string().min(1).max(200).optional(),
        role: z.enum(roles),
      }),
      responses: { 201: { description: "The person, invited.", schema: PersonSchema } },
      errors: ["conflict", "limit_reached"],
    },
    async (c, { body }) => {
      const { customer_id, key_id } = c.get("identity");
      requireLive(c.get("identity"));
      refuseRole(customer_id, body.role);
      refuseMoreThanOwn(c.get("identity"), body.role);
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        await countInTurn(tx, customer_id, "people");
        const { count } = await tx
          .selectFrom("people")
          .select((eb) => eb.fn.countAll<number>().as("count"))
          .where("customer_id", "=", customer_id)
          .where("status", "<>", "removed")
          .executeTakeFirstOrThrow();
        if (Number(count) >= MOST_PEOPLE)
          throw new TriggersError("limit_reached", `A customer has at most ${MOST_PEOPLE} people.`);
        const at = rfc3339(deps.now());
        const made = await tx
          .insertInto("people")
          .values({
            person_id: newId("psn", deps.now()),
            customer_id,
            email: body.email.toLowerCase(),
            name: body.name ?? null,
            role: body.role,
            status: "invited",
            issuer: null,
            subject: null,
            invited_by: key_id,
            created_at: at,
            updated_at: at,
            signed_in_at: null,
          })
          .onConflict((oc) => oc.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (made === undefined)
          throw new TriggersError("conflict", `Somebody with the address ${body.email} is among the people already.`);
        tell(made.person_id, { email: made.email, role: made.role });
        return made;
      });
      return c.json(viewOf(row), 201);
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/people/{person_id}",
      tag: TAG,
      summary: "Change a person's role or name",
      description: "Sessions of the person have the new role within 30 s.",
      scope: "admin",
      action: "person.update",
      params: PersonId,
      body: z.strictObject({ role: z.enum(roles).optional(), name: z.string().min(1).max(200).optional() }),
      responses: { 200: { description: "The person as changed.", schema: PersonSchema } },
      errors: ["conflict"],
    },
    async (c, { params, body }) => {
      const { customer_id } = c.get("identity");
      requireLive(c.get("identity"));
      if (body.role !== undefined) {
        refuseRole(customer_id, body.role);
        refuseMoreThanOwn(c.get("identity"), body.role);
      }
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        const before = await lockedPerson(tx, customer_id, params.person_id);
        if (body.role !== undefined && body.role !== before.role) await refuseLastOwner(tx, before);
        const changed = await tx
          .updateTable("people")
          .set({ ...body, updated_at: rfc3339(deps.now()) })
          .where("person_id", "=", params.person_id)
          .returningAll()
          .executeTakeFirstOrThrow();
        tell(params.person_id, { ...body, before: before.role });
        return changed;
      });
      return c.json(viewOf(row));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/people/{person_id}",
      tag: TAG,
      summary: "Remove a person",
      description: "Sessions of the person in this customer end within 30 s. The last owner can't be removed.",
      scope: "admin",
      action: "person.remove",
      params: PersonId,
      responses: { 204: { description: "Removed, now or before." } },
      errors: ["conflict"],
    },
    async (c, { params }) => {
      const { customer_id } = c.get("identity");
      requireLive(c.get("identity"));
      await change(deps, c, customer_id, async (tx, tell) => {
        const known = await tx
          .selectFrom("people")
          .select("status")
          .where("customer_id", "=", customer_id)
          .where("person_id", "=", params.person_id)
          .executeTakeFirst();
        if (known === undefined) throw noSuch("person", params.person_id);
        if (known.status === "removed") return;
        const row = await lockedPerson(tx, customer_id, params.person_id);
        await refuseLastOwner(tx, row);
        await tx
          .updateTable("people")
          .set({ status: "removed", updated_at: rfc3339(deps.now()) })
          .where("person_id", "=", params.person_id)
          .execute();
        tell(params.person_id, { email: row.email, role: row.role });
      });
      return c.body(null, 204);
    },
  );
}
