import { MINUTE_MS, type Millis } from "../time.ts";
import type { Severity } from "./kinds.ts";
import type { RuleDefinition } from "./rule.ts";

/**
 * The states of a rule, minute by minute. Pure: what a rule would have done is told by the same steps as what it does.
 *
 * - pending: the number is above the threshold, but not yet for as long as the rule says;
 * - firing: it has been for the minutes of the rule, and the last minute with a number says so too;
 * - resolved: it was at most 90 % of the threshold for as long (at least a minute): in between nothing changes, so that a number that
 *   swings around the threshold rings once.
 *
 * A minute without a number (no attempts, so no error rate) changes nothing. After 30 minutes without one a
 * pending rule lapses, and a firing one resolves as `no_data`.
 */

/** What a rule that is not well remembers. Minutes are their starts, milliseconds. */
export interface Watch {
  readonly state: "pending" | "firing";
  /** The first minute above the threshold. */
  readonly since: Millis;
  /** The last minute with a number, and that number. */
  readonly seen_at: Millis;
  readonly value: number;
  /** The first of the minutes below, up to now; null while there is none. */
  readonly calm_since: Millis | null;
  readonly severity: Severity;
}

export type Change =
  /** Above the threshold from now on. */
  | "pending"
  /** Too short to tell anybody. */
  | "lapsed"
  | "firing"
  /** It was firing, and has become worse. */
  | "escalated"
  | "resolved";

export interface Step {
  /** Undefined while the rule is well. */
  readonly watch: Watch | undefined;
  readonly changes: readonly Change[];
  /** Why it resolved. */
  readonly resolution?: "recovered" | "no_data";
}

export const NO_DATA_MS = 30 * MINUTE_MS;
/** Share of the threshold at which a firing rule is well again. */
const CLEAR = 0.9;
/** Use of the limit at which a warning becomes critical. */
const FULL = 1;

type Judged = Pick<RuleDefinition, "kind" | "threshold" | "for_minutes" | "severity">;

/** When a rule that is above its threshold since then fires at the earliest: with the first number from there on. */
export const ripeAt = ({ for_minutes }: Pick<Judged, "for_minutes">, since: Millis): Millis =>
  since + for_minutes * MINUTE_MS;

/** How bad a number is: a limit that is used up is critical, even where the rule only warns near it. */
const severityOf = ({ kind, severity }: Judged, value: number): Severity =>
  kind === "quota" && value >= FULL ? "critical" : severity;

/**
 * One minute further.
 * @param watch what the minute before left; undefined where the rule was well
 * @param minute its start, milliseconds
 * @param value the number of this minute; null where there is none
 */
export function step(rule: Judged, watch: Watch | undefined, minute: number, value: number | null): Step {
  const lasted = (since: Millis) => minute + MINUTE_MS >= ripeAt(rule, since);
  if (value === null) return watch === undefined ? { watch, changes: [] } : withoutNumber(rule, watch, minute);
  const above = value > rule.threshold;
  if (watch === undefined) {
    if (!above) return { watch, changes: [] };
    const begun = { since: minute, seen_at: minute, value, calm_since: null, severity: severityOf(rule, value) };
    return lasted(minute)
      ? { watch: { ...begun, state: "firing" }, changes: ["pending", "firing"] }
      : { watch: { ...begun, state: "pending" }, changes: ["pending"] };
  }
  const seen = { ...watch, seen_at: minute, value };
  if (watch.state === "pending") {
    if (!above) return { watch: undefined, changes: ["lapsed"] };
    const severity = severityOf(rule, value);
    if (lasted(watch.since)) return { watch: { ...seen, severity, state: "firing" }, changes: ["firing"] };
    return { watch: { ...seen, severity }, changes: [] };
  }
  const worse = watch.severity !== "critical" && severityOf(rule, value) === "critical";
  if (worse) return { watch: { ...seen, calm_since: null, severity: "critical" }, changes: ["escalated"] };
  if (value > rule.threshold * CLEAR) return { watch: { ...seen, calm_since: null }, changes: [] };
  return calm(rule, { ...seen, calm_since: watch.calm_since ?? minute }, minute);
}

function calm(rule: Judged, watch: Watch, minute: number): Step {
  const longEnough = minute + MINUTE_MS - watch.calm_since! >= Math.max(rule.for_minutes, 1) * MINUTE_MS;
  return longEnough ? { watch: undefined, changes: ["resolved"], resolution: "recovered" } : { watch, changes: [] };
}

/** A rule that was calm before its number was missing stays calm. */
function withoutNumber(rule: Judged, watch: Watch, minute: number): Step {
  if (watch.state === "firing" && watch.calm_since !== null) return calm(rule, watch, minute);
  if (minute - watch.seen_at < NO_DATA_MS) return { watch, changes: [] };
  return watch.state === "pending"
    ? { watch: undefined, changes: ["lapsed"] }
    : { watch: undefined, changes: ["resolved"], resolution: "no_data" };
}

/** A time that a rule rang, or would have. Milliseconds; `resolved_at` null where it still does. */
export interface Ringing {
  readonly since: Millis;
  readonly fired_at: Millis;
  readonly resolved_at: Millis | null;
  /** The highest number while it rang. */
  readonly peak: number;
  readonly severity: Severity;
}

/** When a rule would have rung over these minutes. @param numbers by minute, ascending and without gaps */
export function rehearse(rule: Judged, numbers: Iterable<readonly [minute: number, value: number | null]>): Ringing[] {
  const rung: Ringing[] = [];
  let watch: Watch | undefined;
  for (const [minute, value] of numbers) {
    const before = watch;
    const { watch: after, changes } = step(rule, watch, minute, value);
    watch = after;
    const end = minute + MINUTE_MS;
    if (changes.includes("firing"))
      rung.push({ since: after!.since, fired_at: end, resolved_at: null, peak: value!, severity: after!.severity });
    const last = rung.at(-1);
    if (last === undefined || before?.state !== "firing") continue;
    rung[rung.length - 1] = {
      ...last,
      peak: Math.max(last.peak, value ?? last.peak),
      severity: after?.severity ?? last.severity,
      resolved_at: changes.includes("resolved") ? end : null,
    };
  }
  return rung;
}
