import { type Kysely, sql } from "kysely";

/**
 * Rows of reference tables whose key is a number are found by its value: `1.5` and `1.50` are one key to an event. What
 * was put before gets the same text that `numberKey` writes, but for exponents past three digits, which wait for the next
 * `PUT` of their table.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reference_rows add column number_key text`.execute(db);
  await sql`create index reference_rows_number on reference_rows (tenant, name, number_key)
    where number_key is not null`.execute(db);
  await sql`
    update reference_rows set number_key = case
      when trimmed = '' then '0'
      else sign || trimmed || 'e' || (length(digits) - length(trimmed) - places) end
    from (
      select tenant as t, name as n, key as k,
        case when number < 0 then '-' else '' end as sign,
        ltrim(replace(abs(number)::text, '.', ''), '0') as digits,
        rtrim(ltrim(replace(abs(number)::text, '.', ''), '0'), '0') as trimmed,
        scale(number) as places
      from (
        select tenant, name, key, key::numeric as number from reference_rows
        where key ~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$'
      ) numbers
    ) parts
    where tenant = t and name = n and key = k`.execute(db);
}
