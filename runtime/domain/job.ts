import { createHash } from "node:crypto";
import { CodecError } from "./codec/codecError.ts";
import { checkVersion, type Header, optional, text, VERSION, whole } from "./codec/fields.ts";
import { hmacBy } from "./hmac.ts";
import { environments, splitTenant, type Tenant, tenantOf } from "./identity/identity.ts";
import { equalNumeric, isNumeric, LongNumber, type Numeric, numberKey, wholeOf } from "./jsonNumber.ts";
import type { Cause } from "./problem.ts";
import { DAY_MS, type Millis } from "./time.ts";

export type JobKind = "replay" | "export" | "erasure";
export const jobStatuses = ["pending", "running", "succeeded", "failed", "cancelled"] as const;
export type JobStatus = (typeof jobStatuses)[number];

/**
 * The tenants whose events a privacy request is about: a live key speaks for the customer, whose sandbox may hold the same person; a
 * sandbox key for the sandbox alone.
 */
export function tenantsErased(tenant: Tenant): readonly Tenant[] {
  const { customer_id, environment } = splitTenant(tenant);
  return environment === "live" ? environments.map((environment) => tenantOf({ customer_id, environment })) : [tenant];
}

/** Long work: replays (`rpl_…`) and privacy requests (`prv_…`). */
export interface Job {
  readonly job_id: string;
  readonly kind: JobKind;
  readonly tenant: Tenant;
  readonly customer_id: string;
  readonly status: JobStatus;
  /** The job's settings, as the route accepted them. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Where the work continues after a crash or a hand-over; opaque to all but the worker. Null at first. */
  readonly cursor: unknown;
  readonly progress: Readonly<Record<string, number>>;
  /** Download link's object, certificate, failure. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly created_by: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What is done for every customer once an hour is over: compare table and archive, or archive who called what. */
export type HourlyWork = "reconcile" | "access";

/** An hour that is worked on, from this page of customers on. */
export interface HourWork {
  /** RFC 3339, on the hour. */
  readonly hour: string;
  readonly cursor?: string;
  /** A customer whose part of a page failed: the others' is done. */
  readonly customer_id?: string;
  /** For how many days that customer keeps numbers, where it has said so. */
  readonly metrics_days?: number;
}

/** Put the events of a time back into the table, from one 64th of the archive, from this object on. */
export interface PutBackMessage {
  readonly kind: "put_back";
  /** RFC 3339; accepted at or after, and before. */
  readonly from: string;
  readonly to: string;
  /** `00` to `3f`. */
  readonly prefix: string;
  readonly after?: string;
}

/** What the jobs queue carries: work on a job, from where it stands in the database, and what is nobody's job. */
export type JobsMessage =
  | { readonly kind: "job"; readonly job_id: string }
  | ({ readonly kind: HourlyWork } & HourWork)
  | PutBackMessage;

export const encodeJobsMessage = ({ kind, ...message }: JobsMessage): string =>
  JSON.stringify({ v: VERSION, k: kind, ...message });

/** @throws CodecError naming what is not readable */
export function decodeJobsMessage(message: string): JobsMessage {
  let header: Header;
  try {
    header = JSON.parse(message) as Header;
  } catch (cause) {
    throw new CodecError("corrupt", "the jobs message is not JSON", { cause });
  }
  checkVersion(header.v, "jobs message");
  const kind = header.k as JobsMessage["kind"];
  const what = `${kind} message`;
  switch (kind) {
    case "job":
      return { kind, job_id: text(header, "job_id", what) };
    case "reconcile":
    case "access":
      return {
        kind,
        hour: text(header, "hour", what),
        ...optional(header, "cursor"),
        ...optional(header, "customer_id"),
        ...(header.metrics_days === undefined ? {} : { metrics_days: whole(header, "metrics_days", what) }),
      };
    case "put_back":
      return {
        kind,
        from: text(header, "from", what),
        to: text(header, "to", what),
        prefix: text(header, "prefix", what),
        ...optional(header, "after"),
      };
    default:
      throw new CodecError("corrupt", `the jobs queue carries no message of the kind ${String(kind satisfies never)}`);
  }
}

/** Events a second of a replay that names no rate: it leaves room for what arrives meanwhile. */
export const DEFAULT_REPLAY_RATE = 5_000;

/** What a replay job was asked for (`Job.request`), as `POST /replays` and `backfill_from` write it. */
export interface ReplayRequest {
  readonly from?: string;
  readonly to?: string;
  /** A type or a pattern of them, or several. */
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
  readonly until: Millis;
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
export const ERASURE_KNOWN_MS = 15 * DAY_MS;

/** Where a privacy request's scope lies in the export bucket until the request is done. */
export const scopeKey = (jobId: string): string => `scopes/${jobId}.json`;
/** Folder of a tenant's exports, and of one of them. */
export const exportFolder = (tenant: Tenant, jobId?: string): string =>
  `exports/${tenant}/${jobId === undefined ? "" : `${jobId}/`}`;
/** How long exports can be fetched. */
export const EXPORT_DAYS = 7;
