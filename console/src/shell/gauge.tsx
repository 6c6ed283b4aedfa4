import { Link } from "wouter";
import { count } from "../format.ts";
import { useMetrics } from "../metrics.ts";
import { useSession } from "../session.tsx";
import { keep, useCommon } from "../url.ts";

const EVERY_MS = 15_000;
const WARN = 0.8;

/** How much of the limit the busiest second of these minutes has used, and the way to the page that tells more. */
export function QuotaGauge() {
  const [{ env }] = useCommon();
  const session = useSession();
  const { data } = useMetrics({ measures: ["limit_use"], last: "2m", interval: "minute" }, env, EVERY_MS);
  const use = data?.totals.limit_use;
  const share = typeof use === "number" ? use : 0;
  const tone = share >= 1 ? "bad" : share >= WARN ? "warn" : "good";
  const shown = `${Math.round(share * 100)} %`;
  return (
    <Link
      href={keep("/usage")}
      aria-label={`Quota: ${shown} of ${count(session.limit_per_second)} events a second in use${share >= 1 ? ", it was reached" : share >= WARN ? ", close to the limit" : ""}`}
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
