import { Link } from "wouter";
import { count } from "../format.ts";
import { limitTone } from "../limit.ts";
import { maybeIn, useMetrics } from "../metrics.ts";
import { useSession } from "../session.tsx";
import { keep, useCommon } from "../url.ts";

/**
 * How much of the limit the busiest second of these minutes has used, and the way to the page that tells more.
 * @param every milliseconds between two looks @param told what the socket told last, and when
 */
export function QuotaGauge({
  every,
  told,
}: {
  every: number;
  told: { readonly share: number; readonly at: number } | undefined;
}) {
  const [{ env }] = useCommon();
  const session = useSession();
  const { data, dataUpdatedAt } = useMetrics({ measures: ["limit_use"], last: "2m", interval: "minute" }, env, every);
  const known = told !== undefined && told.at > dataUpdatedAt ? told.share : maybeIn(data?.totals, "limit_use");
  const share = known ?? 0;
  const tone = limitTone(share);
  // Before the first answer nobody knows: a zero would say that nothing is used. Without an event there is no share.
  const shown = data === undefined && known === null ? "…" : `${Math.round(share * 100)} %`;
  return (
    <Link
      href={keep("/usage")}
      aria-label={`Quota: ${shown === "…" ? "not known yet how much" : shown} of ${count(session.limit_per_second)} events a second in use${{ good: "", warn: ", close to the limit", bad: ", it was reached" }[tone]}`}
      className="inline-flex min-h-9 items-center gap-2 rounded-md border border-edge px-2 text-text no-underline max-lg:hidden"
    >
      <svg viewBox="0 0 40 6" className="h-1.5 w-10" aria-hidden="true">
        <rect width="40" height="6" rx="3" fill="var(--line)" />
        <rect width={Math.min(1, share) * 40} height="6" rx="3" fill={`var(--${tone})`} />
      </svg>
      <span className={{ good: "", warn: "font-semibold text-warn", bad: "font-semibold text-bad" }[tone]}>
        {shown}
      </span>
    </Link>
  );
}
