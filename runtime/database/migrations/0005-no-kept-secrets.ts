import { type Kysely, sql } from "kysely";

/**
 * Versions tell what routing saw, which no header's value is part of; and what is removed keeps neither secrets nor values. From now on
 * both are written like this. The definitions are texts that the API has written, changed as texts: `jsonb` does not take every string.
 */
const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const HEADERS = `"headers":\\{${STRING}:${STRING}(?:,${STRING}:${STRING})*\\}`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    update subscription_versions set definition = regexp_replace(definition::text, ${HEADERS}, '"headers":{}')::json
    where definition::text like '%"headers":{"%'`.execute(db);
  await sql`
    update subscriptions set definition = regexp_replace(definition::text, ${HEADERS}, '"headers":{}')::json
    where status = 'removed' and definition::text like '%"headers":{"%'`.execute(db);
  await sql`
    delete from signing_secrets s using subscriptions t
    where t.subscription_id = s.subscription_id and t.status = 'removed'`.execute(db);
}
