import { defined } from "../domain/defined.ts";
import { OPERATOR } from "../domain/identity/identity.ts";
import type { Membership } from "../domain/people/person.ts";
import type { Role } from "../domain/people/roles.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Tx } from "./roles.ts";

/** Whom an issuer vouches for. */
export interface Vouched {
  readonly issuer: string;
  readonly subject: string;
  /** Verified by the issuer. */
  readonly email: string;
  readonly name?: string | undefined;
}

/** The operator is not a customer: it only manages them, so the table of customers lacks it. */
const OPERATOR_NAME = "Operator";

/**
 * Binds every invitation to this address to who has just signed in with it, and notes the sign-in where the person is known already. An
 * invitation is taken by the first who proves the address; a later owner of the address finds it taken.
 */
export async function acceptInvitations(tx: Tx, { issuer, subject, email, name }: Vouched, now: Millis): Promise<void> {
  const at = rfc3339(now);
  const named = defined({ name });
  await tx
    .updateTable("people")
    .set({ issuer, subject, ...named, status: "active", signed_in_at: at, updated_at: at })
    .where("email", "=", email.toLowerCase())
    .where("status", "=", "invited")
    .execute();
  await tx
    .updateTable("people")
    .set({ ...named, signed_in_at: at })
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .where("status", "=", "active")
    .execute();
}

/** The customers in which a person is active, by name; those that were deleted are left out. */
export async function membershipsOf(tx: Tx, issuer: string, subject: string): Promise<Membership[]> {
  const rows = await tx
    .selectFrom("people")
    .leftJoin("customers", "customers.customer_id", "people.customer_id")
    .select([
      "people.person_id",
      "people.customer_id",
      "people.role",
      "customers.name as customer_name",
      "customers.limit_per_second",
      "customers.status as customer_status",
    ])
    .where("people.issuer", "=", issuer)
    .where("people.subject", "=", subject)
    .where("people.status", "=", "active")
    .orderBy("customers.name")
    .orderBy("people.customer_id")
    .execute();
  return rows
    .filter(({ customer_id, customer_status }) => customer_id === OPERATOR || customer_status === "active")
    .map(({ person_id, customer_id, role, customer_name, limit_per_second }) => ({
      person_id,
      customer_id,
      role,
      customer_name: customer_name ?? OPERATOR_NAME,
      limit_per_second: limit_per_second ?? 1,
    }));
}

/** The role of a person in a customer; null for one who was removed, and in a customer that was deleted. */
export async function roleOf(tx: Tx, customerId: string, personId: string): Promise<Role | null> {
  const row = await tx
    .selectFrom("people")
    .leftJoin("customers", "customers.customer_id", "people.customer_id")
    .select(["people.role", "customers.status as customer_status"])
    .where("people.person_id", "=", personId)
    .where("people.customer_id", "=", customerId)
    .where("people.status", "=", "active")
    .executeTakeFirst();
  const there = row !== undefined && (customerId === OPERATOR || row.customer_status === "active");
  return there ? row.role : null;
}
