import { type Kysely, sql } from "kysely";

/** Subscriptions whose selectors take too much work: since when and how often that was met, and versions that are not matched. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table subscriptions
    add column costly_since timestamptz,
    add column costly_at timestamptz,
    add column costly_times integer not null default 0`.execute(db);
  await sql`alter table subscription_versions add column paused boolean not null default false`.execute(db);
}
