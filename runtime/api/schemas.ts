import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalog } from "../domain/errors.ts";
import { environments, scopes } from "../domain/identity.ts";

/** Schemas that several routes share. */
export const Timestamp = z.iso.datetime({ offset: true }).openapi({
  description: "RFC 3339; answers are in UTC with milliseconds.",
  example: "2026-11-25T10:00:00.000Z",
});
export const EnvironmentSchema = z.enum(environments);
export const ScopeSchema = z.enum(scopes);
export const NextCursor = z.string().nullable().openapi({ description: "Cursor of the next page; null on the last." });

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
export const OverlapSchema = z.number().int().min(0).max(MAX_OVERLAP_SECONDS).default(86_400).openapi({
  description: "Seconds for which the old secret stays valid; 0 ends it at once.",
});
