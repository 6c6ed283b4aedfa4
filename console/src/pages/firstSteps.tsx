import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import { numberIn, useMetrics } from "../metrics.ts";
import { useMay } from "../session.tsx";
import type { Key, Subscription } from "../types.ts";
import { keep, useCommon } from "../url.ts";

/** Where a socket tells that something has happened, these figures follow at once. */
const EVERY_MS = 60_000;

/**
 * The first steps, each ticked by what really happened. The last one is ticked by a test on a subscription's page: it posts a wrong signature,
 * and the endpoint refuses it.
 */
export function FirstSteps() {
  const [{ env }] = useCommon();
  const may = useMay();
  const keys = useQuery({
    queryKey: ["first keys"],
    enabled: may("keys"),
    queryFn: () => call<{ keys: Key[] }>("GET", "/keys?limit=100"),
  });
  const figures = useMetrics(
    { measures: ["events", "matched", "delivered"], last: "90d", interval: "none" },
    env,
    EVERY_MS,
    may("figures"),
  );
  const subscriptions = useQuery({
    queryKey: ["first subscriptions", env],
    enabled: may("subscriptions"),
    queryFn: () => call<{ subscriptions: Subscription[] }>("GET", "/subscriptions?limit=100", { env }),
  });
  const some = (measure: string) => numberIn(figures.data?.totals, measure) > 0;
  const subscribed = subscriptions.data?.subscriptions ?? [];
  const [first] = subscribed;
  const steps: readonly (readonly [string, boolean, string])[] = [
    ["Use a key", (keys.data?.keys ?? []).some(({ last_used_at }) => last_used_at !== null), "/keys"],
    ["Send an event", some("events"), "/send"],
    ["See an event match", some("matched"), first === undefined ? "/subscriptions" : "/match"],
    ["See it delivered", some("delivered"), "/deliveries"],
    [
      "Verify signatures",
      subscribed.some(({ signature_verified_at }) => signature_verified_at !== undefined),
      first === undefined ? "/subscriptions" : `/subscriptions/${first.subscription_id}`,
    ],
  ];
  if (!may("send") || figures.data === undefined || steps.every(([, done]) => done)) return null;
  return (
    <section className="card grid gap-2" aria-label="First steps">
      <h2 className="font-semibold">First steps</h2>
      <ol className="grid gap-1 text-sm">
        {steps.map(([name, done, path]) => (
          <li key={name}>
            <span aria-hidden="true">{done ? "✓" : "○"} </span>
            {done ? `${name}: done` : <Link href={keep(path)}>{name}</Link>}
          </li>
        ))}
      </ol>
    </section>
  );
}
