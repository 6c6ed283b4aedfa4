import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalog } from "../domain/errors/errors.ts";
import { environments, scopes } from "../domain/identity/identity.ts";
import { type IdPrefix, ulidIn } from "../domain/ids.ts";
import { DAY_SECONDS } from "../domain/time.ts";
import { parseTypePattern } from "../matching/index.ts";

/** Schemas that several routes share. */
export const Timestamp = z.iso.datetime({ offset: true }).openapi({
  description: "RFC 3339; answers are in UTC with milliseconds.",
  example: "2026-11-25T10:00:00.000Z",
});
/** A `+` that a caller left as it is in a query says a space (WHATWG URL): here it can only be that of an offset. */
const LOST_PLUS = /^(\d{4}-\d\d-\d\dT[\d:.]+) (\d\d:\d\d)$/;
/** A time in a query. */
export const QueryTime = z
  .string()
  .transform((text) => text.replace(LOST_PLUS, "$1+$2"))
  .pipe(Timestamp)
  .openapi({ type: "string", format: "date-time", example: "2026-11-25T10:00:00.000Z" });
const MAX_EVENT_TYPE = 256;

/** An event type as events may have it: its length is in characters, not in UTF-16's units. */
export const EventTypeName = z
  .string()
  .min(1)
  .refine((text) => [...text].length <= MAX_EVENT_TYPE, `has more than ${MAX_EVENT_TYPE} characters`)
  .openapi({ type: "string", minLength: 1, maxLength: MAX_EVENT_TYPE });

/** An event type or a pattern of them, as in selectors. */
export const TypePattern = EventTypeName.superRefine((text, refine) => {
  if (!EventTypeName.safeParse(text).success) return;
  try {
    parseTypePattern(text);
  } catch (cause) {
    refine.addIssue({ code: "custom", message: (cause as Error).message });
  }
});
export const EnvironmentSchema = z.enum(environments);
export const ScopeSchema = z.enum(scopes);
export const NextCursor = z.string().nullable().openapi({ description: "Cursor of the next page; null on the last." });

/** Marks that an id has the form of one, and yet was never given to anything. */
const NEVER_GIVEN = { never_given: true };

/** Whether an issue says only that an id was never given. */
export const isNeverGiven = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "custom" && issue.params?.never_given === true;

/**
 * An id in a path. Ids are opaque to callers: one that begins rightly names an object, if only one that doesn't exist.
 * @param exists whether it has the whole form of an id that may have been given
 */
export const idIn = (prefix: string, exists: (id: string) => boolean) =>
  z
    .string()
    .refine((id) => id.startsWith(`${prefix}_`), {
      abort: true,
      message: `must be an id that begins with "${prefix}_"`,
    })
    .refine(exists, { message: "was never given", params: NEVER_GIVEN })
    .openapi({ description: `Id that begins with \`${prefix}_\`.` });

/** The id of an object that is named by a ULID. */
export const ulidParam = (prefix: IdPrefix) => idIn(prefix, (id) => ulidIn(prefix, id) !== undefined);

export const ErrorSchema = z
  .object({
    error: z.object({
      code: z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]),
      message: z.string(),
      details: z
        .array(
          z.looseObject({
            index: z.number().int().optional(),
            path: z.string().optional().openapi({ description: "JSON Pointer" }),
            code: z.string().optional(),
            message: z.string(),
          }),
        )
        .optional(),
      request_id: z.string(),
      docs: z.string(),
    }),
  })
  .openapi("Error");

/** Stands for the name `__proto__`, which `z.record` leaves out without a word. No body holds this character. */
const STAND_IN = "\u0000";
const withName = (from: string, to: string, value: object): object =>
  Object.hasOwn(value, from)
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name === from ? to : name, member]))
    : value;

/** An object whose names the caller chooses: any text is one, the names of JavaScript's own prototype too. */
export const dictionary = <V extends z.ZodType>(name: z.ZodString, value: V) =>
  z
    .preprocess(
      (input) => (typeof input === "object" && input !== null ? withName("__proto__", STAND_IN, input) : input),
      z.record(name, value),
    )
    .transform((record) => withName(STAND_IN, "__proto__", record) as Record<string, z.output<V>>);

/** 30 days. */
const MAX_OVERLAP_SECONDS = 2_592_000;
/** How long the old secret stays valid beside a new one. */
export const OverlapSchema = z.number().int().min(0).max(MAX_OVERLAP_SECONDS).default(DAY_SECONDS).openapi({
  description: "Seconds for which the old secret stays valid; 0 ends it at once.",
});
