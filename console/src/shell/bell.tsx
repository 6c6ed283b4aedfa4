import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { plural } from "../../../runtime/domain/plural.ts";
import { call } from "../api.ts";
import { keep, useCommon } from "../url.ts";

/** More are shown as so many and more. */
const MOST = 100;

/** How many alerts are firing on this side, and the way to them. @param every milliseconds between two looks */
export function Bell({ every }: { every: number }) {
  const [{ env }] = useCommon();
  const { data } = useQuery({
    queryKey: ["active alerts", env],
    queryFn: ({ signal }) => call<{ alerts: unknown[] }>("GET", `/alerts?state=firing&limit=${MOST}`, { env, signal }),
    refetchInterval: every,
  });
  // Before the first answer nobody knows: a zero would say that all is well.
  const active = data?.alerts.length;
  const shown = active === undefined ? "…" : active === MOST ? `${MOST}+` : String(active);
  return (
    <Link
      href={keep("/alerts", { state: "firing" })}
      aria-label={active === undefined ? "Active alerts: not known yet" : `${shown} active ${plural(active, "alert")}`}
      className={`inline-flex min-h-9 items-center gap-1 rounded-md border px-2 no-underline ${(active ?? 0) === 0 ? "border-edge text-text" : "border-bad bg-bad-soft font-semibold text-bad"}`}
    >
      <svg
        viewBox="0 0 16 16"
        className="size-4"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      >
        <path d="M8 1.5a4 4 0 0 0-4 4c0 4-1.5 5-1.5 6h11c0-1-1.5-2-1.5-6a4 4 0 0 0-4-4zM6.5 13.5a1.5 1.5 0 0 0 3 0" />
      </svg>
      <span>{shown}</span>
    </Link>
  );
}
