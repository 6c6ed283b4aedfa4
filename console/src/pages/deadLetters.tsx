import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { call } from "../api.ts";
import { useMay } from "../session.tsx";
import { Empty, Field, Note, Page } from "../ui/basic.tsx";
import { DeliveryTable } from "../ui/deliveryTable.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Range } from "../ui/range.tsx";
import { anyText, keep, timesOf, useUrl } from "../url.ts";

const own = { subscription: anyText, open: anyText };

/** What was given up: why, and everything of it replayed at once, with a count first. */
export default function DeadLetters() {
  const [state, set] = useUrl(own);
  const [, navigate] = useLocation();
  const may = useMay();
  const [counted, setCounted] = useState<string>();
  const fixed = `${state.range} ${state.from} ${state.to}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a range that ends now is fixed while it is looked at
  const times = useMemo(() => timesOf(state), [fixed]);
  const params = { from: times.from, to: times.to, subscription_id: state.subscription, limit: "50" };
  const replay = async () => {
    const body = {
      from: times.from,
      ...(times.to === undefined ? {} : { to: times.to }),
      ...(state.subscription === undefined ? {} : { subscription_id: state.subscription }),
    };
    const { replay_id } = await call<{ replay_id: string }>("POST", "/dead-letters/replay", { env: state.env, body });
    setCounted(replay_id);
    navigate(keep("/replays", { open: replay_id }));
  };
  return (
    <Page
      title="Dead letters"
      actions={
        may("handle") ? (
          <Confirm
            label="Replay all of these"
            title="Replay every dead letter of this range?"
            text="Each is delivered again to its own subscription, at a pace that the endpoint can take. How many there are, and how far it has come, stands under Replays; it can be cancelled there."
            action={replay}
          />
        ) : null
      }
    >
      <Range />
      {counted === undefined ? null : <Note>Replay {counted} has begun.</Note>}
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
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
        source={{ path: "/dead-letters", member: "dead_letters", params, options: { env: state.env }, every: 5_000 }}
        open={state.open}
        select={(open) => set({ open }, false)}
        empty={
          <Empty title={`No ${state.env} dead letters in this range.`}>
            A delivery comes here after 24 h of attempts that all failed. What fails now stands under{" "}
            <Link href={keep("/deliveries", { status: "failed" })}>failed deliveries</Link>.
          </Empty>
        }
      />
    </Page>
  );
}
