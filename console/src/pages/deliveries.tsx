import { useMemo } from "react";
import { Link } from "wouter";

import { Empty, Field, Page } from "../ui/basic.tsx";
import { DeliveryTable } from "../ui/deliveryTable.tsx";
import { Range } from "../ui/range.tsx";
import { anyText, keep, maybeOneOf, timesOf, useUrl } from "../url.ts";

const statuses = ["pending", "delivered", "failed", "dead_lettered", "cancelled"] as const;
const own = { status: maybeOneOf(statuses), subscription: anyText, open: anyText };

export default function Deliveries() {
  const [state, set] = useUrl(own);
  const fixed = `${state.range} ${state.from} ${state.to}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a range that ends now is fixed while it is looked at
  const times = useMemo(() => timesOf(state), [fixed]);
  return (
    <Page title="Deliveries">
      <Range />
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <Field label="Status">
          {(ids) => (
            <select
              {...ids}
              className="field"
              value={state.status ?? ""}
              onChange={(event) => set({ status: event.target.value }, false)}
            >
              <option value="">Any</option>
              {statuses.map((status) => (
                <option key={status} value={status}>
                  {status.replaceAll("_", " ")}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Subscription">
          {(ids) => (
            <input
              {...ids}
              className="field mono"
              key={state.subscription}
              defaultValue={state.subscription}
              placeholder="sub_…"
              onBlur={(event) => set({ subscription: event.target.value }, false)}
            />
          )}
        </Field>
      </div>
      <DeliveryTable
        source={{
          path: "/deliveries",
          member: "deliveries",
          params: {
            from: times.from,
            to: times.to,
            status: state.status,
            subscription_id: state.subscription,
            limit: "50",
          },
          options: { env: state.env },
          every: 5_000,
        }}
        open={state.open}
        select={(open) => set({ open }, false)}
        empty={
          <Empty title={`No ${state.env} deliveries in this range.`}>
            Choose a longer range or another environment, or <Link href={keep("/send")}>send an event</Link> that a
            subscription matches.
          </Empty>
        }
      />
    </Page>
  );
}
