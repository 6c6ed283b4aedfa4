import { attemptsOf } from "../../runtime/domain/attempts.ts";
import { defined } from "../../runtime/domain/defined.ts";
import type { Event, Triggers } from "../../sdk/typescript/src/client.ts";
import { isTriggersError } from "../../sdk/typescript/src/errors.ts";

/** What became of an event, and why: told alike by the command `why` and the tool of the MCP server. */
export interface Story {
  readonly event_id: string;
  readonly event_type: string | null;
  readonly received_at: string;
  readonly status: Event["status"];
  readonly stages: readonly { readonly at: string; readonly text: string }[];
  readonly subscriptions: readonly {
    readonly subscription_id: string;
    readonly workflow_id: string | null;
    readonly matched: boolean;
    /** What became of its delivery, or the clause that decided against it. */
    readonly text: string;
  }[];
  readonly advice?: string;
}

const ADVICE: Partial<Record<Event["status"], string>> = {
  unmatched: 'No subscription matched. Try a selector on it with "triggers rehearse".',
  failed: "It is tried again by itself for 24 hours.",
  dead_lettered: 'All attempts failed. Mend the endpoint, then run "triggers replay" with this id.',
};

function outcomeOf(event: Event, subscriptionId: string): string {
  const own = event.deliveries.filter(({ subscription_id }) => subscription_id === subscriptionId);
  const last = own.at(-1);
  if (last === undefined) return "its delivery is about to begin";
  const attempts = attemptsOf(last);
  const attempt = last.attempts.at(-1);
  const answered = attempt === undefined ? "" : (attempt.error ?? `answered ${attempt.status_code}`);
  const next = last.next_attempt_at === null ? "" : `, next attempt at ${last.next_attempt_at}`;
  const reason = last.reason === undefined ? "" : ` (${last.reason})`;
  if (attempts === 0) return `${last.status}${reason}${next}`;
  return `${last.status} after ${attempts} attempt${attempts === 1 ? "" : "s"}, the last one ${answered}${reason}${next}`;
}

/** @throws TriggersError `not_found` */
export async function storyOf(triggers: Triggers, id: string): Promise<Story> {
  const [event, { verdicts }, { stages }] = await Promise.all([
    triggers.event(id),
    triggers.verdicts(id),
    triggers.journey(id),
  ]);
  const names = new Map<string, string | null>();
  try {
    if (verdicts.length > 0)
      for await (const { subscription_id, workflow_id } of triggers.subscriptions())
        names.set(subscription_id, workflow_id);
  } catch (error) {
    // A key that may read events need not be one that may read subscriptions: they are told by their ids then.
    if (!isTriggersError(error, "forbidden")) throw error;
  }
  const advice = ADVICE[event.status];
  return {
    event_id: event.event_id,
    event_type: event.event_type,
    received_at: event.received_at,
    status: event.status,
    stages: stages.map(({ stage, at, duration_ms, subscription_id, attempt, status_code, error, latency_ms }) => ({
      at,
      text:
        stage === "attempt"
          ? `attempt ${attempt} to ${subscription_id}: ${error ?? `answered ${status_code}`} in ${latency_ms} ms`
          : `${stage}${duration_ms === 0 ? "" : ` after ${duration_ms} ms`}`,
    })),
    subscriptions: verdicts
      .map(({ subscription_id, matched, because }) => ({
        subscription_id,
        workflow_id: names.get(subscription_id) ?? null,
        matched,
        text: matched ? outcomeOf(event, subscription_id) : (because ?? "it did not match"),
      }))
      .sort((a, b) => Number(b.matched) - Number(a.matched)),
    ...defined({ advice }),
  };
}
