import { useQueryClient } from "@tanstack/react-query";
import { attemptNumber, FIRST_KEPT } from "../../../runtime/domain/attempts.ts";
import { call } from "../api.ts";
import { isRetried } from "../attempts.ts";
import { answerIn } from "../errorWords.ts";
import { countOf, ms } from "../format.ts";
import { useMay } from "../session.tsx";
import type { Delivery } from "../types.ts";
import { useCommon } from "../url.ts";
import { Code, Facts, NextAttempt, Status, When } from "./basic.tsx";
import { Confirm } from "./overlay.tsx";
import { SubscriptionLink } from "./subscriptionLink.tsx";

/** A delivery with its attempts, what was answered, and when the next one is. @param retried told when it is tried again */
export function DeliveryAttempts({ delivery, retried }: { delivery: Delivery; retried?: () => void }) {
  const [{ env, zone }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const { delivery_id, subscription_id, status, attempts, next_attempt_at, replay_id } = delivery;
  const leftOut = delivery.attempts_left_out ?? 0;
  const retry = async () => {
    await call("POST", `/deliveries/${delivery_id}/retry`, { env });
    retried?.();
    await client.invalidateQueries();
  };
  return (
    <section className="card grid gap-3" aria-label={`Delivery ${delivery_id}`}>
      <div className="flex flex-wrap items-start justify-between gap-2">
        <Facts
          of={[
            ["Status", <Status key="status" status={status} />],
            [
              "Delivery",
              <span key="id" className="mono">
                {delivery_id}
              </span>,
            ],
            ["To", <SubscriptionLink key="sub" id={subscription_id} />],
            ...(next_attempt_at === null
              ? []
              : ([
                  ["Next attempt", <NextAttempt key="next" at={next_attempt_at} status={status} zone={zone} />],
                ] as const)),
            ...(replay_id === undefined
              ? []
              : ([
                  [
                    "Replay",
                    <span key="rpl" className="mono">
                      {replay_id}
                    </span>,
                  ],
                ] as const)),
          ]}
        />
        {may("handle") && isRetried(delivery) ? (
          <Confirm
            label="Retry"
            title="Try this delivery now?"
            text="It is posted to the webhook again, at once."
            action={retry}
          />
        ) : null}
      </div>
      {attempts.length === 0 ? (
        <p className="text-sm text-muted">
          No attempt has been made yet, or the first one succeeded and left nothing else to show.
        </p>
      ) : (
        <ol className="grid gap-2 text-sm">
          {attempts.map((attempt, index) => (
            <li key={attempt.at} className="border-t border-line pt-2">
              <p>
                <span className="font-medium">Attempt {attemptNumber(index, leftOut)}</span> ·{" "}
                <When at={attempt.at} zone={zone} /> · {answerIn(attempt)} · {ms(attempt.latency_ms)}
              </p>
              {attempt.response_excerpt === undefined || attempt.response_excerpt === "" ? null : (
                <Code label={`Answer to attempt ${attemptNumber(index, leftOut)}`} text={attempt.response_excerpt} />
              )}
              {index + 1 === FIRST_KEPT && leftOut > 0 ? (
                <p className="text-muted">{countOf(leftOut, "further attempt")}, no longer kept</p>
              ) : null}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
