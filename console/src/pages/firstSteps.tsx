import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import { useMay } from "../session.tsx";
import type { Event, Key, Subscription } from "../types.ts";
import { keep, useCommon } from "../url.ts";

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
  const events = useQuery({
    queryKey: ["first events", env],
    enabled: may("events"),
    refetchInterval: 5_000,
    queryFn: () =>
      call<{ events: Event[] }>("GET", "/inbox?limit=100&acknowledged=all", { env, withoutPayloads: true }),
  });
  const subscriptions = useQuery({
    queryKey: ["first subscriptions", env],
    enabled: may("subscriptions"),
    queryFn: () => call<{ subscriptions: Subscription[] }>("GET", "/subscriptions?limit=100", { env }),
  });
  const all = events.data?.events ?? [];
  const subscribed = subscriptions.data?.subscriptions ?? [];
  const [first] = subscribed;
  const steps: readonly (readonly [string, boolean, string])[] = [
    ["Use a key", (keys.data?.keys ?? []).some(({ last_used_at }) => last_used_at !== null), "/keys"],
    ["Send an event", all.length > 0, "/send"],
    [
      "See an event match",
      all.some(({ status }) => status !== "unmatched"),
      first === undefined ? "/subscriptions" : "/match",
    ],
    [
      "See it delivered",
      all.some(({ deliveries }) => deliveries.some(({ status }) => status === "delivered")),
      "/deliveries",
    ],
    [
      "Verify signatures",
      subscribed.some(({ signature_verified_at }) => signature_verified_at !== undefined),
      first === undefined ? "/subscriptions" : `/subscriptions/${first.subscription_id}`,
    ],
  ];
  if (!may("send") || events.data === undefined || steps.every(([, done]) => done)) return null;
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
