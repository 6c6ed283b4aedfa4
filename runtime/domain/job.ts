import { createHash } from "node:crypto";
import { CodecError } from "./codec/codecError.ts";
import { defined } from "./defined.ts";
import { hmacBy } from "./hmac.ts";
import { equalNumeric, isNumeric, LongNumber, type Numeric, numberKey, wholeOf } from "./jsonNumber.ts";
import type { Cause } from "./problem.ts";

/** A message of the jobs queue: work on this job, from where it stands in the database. */
const VERSION = 1;

export const encodeJobMessage = (jobId: string): string => JSON.stringify({ v: VERSION, k: "job", job_id: jobId });

/** @returns the job's id @throws CodecError */
export function decodeJobMessage(text: string): string {
  let message: { v?: unknown; k?: unknown; job_id?: unknown };
  try {
    message = JSON.parse(text) as typeof message;
  } catch (cause) {
    throw new CodecError("corrupt", "the job message is not JSON", { cause });
  }
  if (typeof message.v === "number" && message.v !== VERSION) {
    throw new CodecError(
      "unknown_version",
      `the job message has version ${message.v}; this code reads version ${VERSION}`,
    );
  }
  if (message.k !== "job" || typeof message.job_id !== "string") {
    throw new CodecError("corrupt", "the job message names no job");
  }
  return message.job_id;
}

/** What is done for every customer once an hour is over: compare table and archive, or archive who called what. */
const hourlyWorks = ["reconcile", "access"] as const;
export type HourlyWork = (typeof hourlyWorks)[number];

/** Another message of the jobs queue: hourly work on this hour, from this page of customers on. */
export interface HourMessage {
  /** RFC 3339, on the hour. */
  readonly hour: string;
  readonly cursor?: string;
}

export const encodeHourMessage = (work: HourlyWork, message: HourMessage): string =>
  JSON.stringify({ v: VERSION, k: work, ...message });

/** The message where it is one, else undefined: it may be a job's. */
export function decodeHourMessage(text: string): (HourMessage & { readonly work: HourlyWork }) | undefined {
  const work = hourlyWorks.find((each) => text.startsWith(`{"v":${VERSION},"k":"${each}",`));
  if (work === undefined) return undefined;
  const { hour, cursor } = JSON.parse(text) as HourMessage;
  return { work, hour, ...defined({ cursor }) };
}

/** A third: put the events of a time back into the table, from one 64th of the archive, from this object on. */
export interface PutBackMessage {
  /** RFC 3339; accepted at or after, and before. */
  readonly from: string;
  readonly to: string;
  /** `00` to `3f`. */
  readonly prefix: string;
  readonly after?: string;
}

export const encodePutBackMessage = (message: PutBackMessage): string =>
  JSON.stringify({ v: VERSION, k: "put_back", ...message });

/** The message where it is one, else undefined. */
export function decodePutBackMessage(text: string): PutBackMessage | undefined {
  if (!text.startsWith(`{"v":${VERSION},"k":"put_back",`)) return undefined;
  const { from, to, prefix, after } = JSON.parse(text) as PutBackMessage;
  return { from, to, prefix, ...defined({ after }) };
}

/** Events a second of a replay that names no rate: it leaves room for what arrives meanwhile. */
export const DEFAULT_REPLAY_RATE = 5_000;

/** What a replay job was asked for (`Job.request`), as `POST /replays` and `backfill_from` write it. */
export interface ReplayRequest {
  readonly from?: string;
  readonly to?: string;
  readonly event_type?: string | readonly string[];
  readonly event_ids?: readonly string[];
  readonly subscription_ids?: readonly string[];
  /** Events a second. @default DEFAULT_REPLAY_RATE */
  readonly rate_per_second?: number;
  /** Only deliveries that were given up, each tried again as itself: `POST /dead-letters/replay`. */
  readonly dead_letters?: true;
  readonly delivery_ids?: readonly string[];
  /** With `dead_letters`: those whose last attempt failed like this, and those that still wait after it. */
  readonly problem?: Cause;
}

/** The types that a replay is narrowed to; undefined for all. */
export const typesOf = ({ event_type }: ReplayRequest): readonly string[] | undefined =>
  typeof event_type === "string" ? [event_type] : event_type;

/** Whose data: an object whose payload holds this value at this path, or everything. */
export type PrivacyScope =
  | { readonly subject: { readonly jsonpath: string; readonly equals: SubjectValue } }
  | { readonly all: true };

/** What a person is known by. */
export type SubjectValue = string | Numeric | boolean;

export const isSubjectValue = (value: unknown): value is SubjectValue =>
  typeof value === "string" || typeof value === "boolean" || isNumeric(value);

/** As `typeof` says of values that JSON has. */
export const subjectType = (value: SubjectValue): string => (isNumeric(value) ? "number" : typeof value);

/** Numbers are the same by value, however they are written. */
export const isSubject = (value: unknown, wanted: SubjectValue): boolean =>
  isNumeric(value) && isNumeric(wanted) ? equalNumeric(value, wanted) : value === wanted;

/**
 * A person's value as database, audit log and caches may know it: its HMAC under a key of the customer's, since e-mail addresses can be
 * guessed. Of equal numbers the same.
 * @param key base64; undefined as it was kept before there were keys: its SHA-256
 */
export function subjectHash(value: SubjectValue, key: string | undefined): string {
  const text = value instanceof LongNumber ? String(wholeOf(value) ?? numberKey(value)) : String(value);
  return (key === undefined ? createHash("sha256") : hmacBy(key)).update(text).digest("hex");
}

/** An erasure as those know it who handle events that have not reached the table: what was accepted up to a time. */
export interface Erasure {
  /** When it was asked for; milliseconds. */
  readonly until: number;
  /** Whose events; everything where left out. */
  readonly subject?: {
    readonly jsonpath: string;
    /** HMAC-SHA-256 of the value, hexadecimal; of requests of old only its SHA-256 is known. */
    readonly equals_hmac?: string;
    readonly equals_sha256?: string;
    /** Of the HMAC, base64; undefined once everything was erased, which what came before it is a part of. */
    readonly key?: string;
    /** As `typeof` says; requests of old don't tell. */
    readonly equals_type?: string;
  };
}
/** Longer than any message can wait: 14 days in all its queues together. */
export const ERASURE_KNOWN_MS = 15 * 86_400_000;

/** Where a privacy request's scope lies in the export bucket until the request is done. */
export const scopeKey = (jobId: string): string => `scopes/${jobId}.json`;
/** Folder of a tenant's exports, and of one of them. */
export const exportFolder = (tenant: string, jobId?: string): string =>
  `exports/${tenant}/${jobId === undefined ? "" : `${jobId}/`}`;
/** How long exports can be fetched. */
export const EXPORT_DAYS = 7;
