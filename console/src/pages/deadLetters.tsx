import { useState } from "react";
import { Link, useLocation } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { call, queryOf } from "../api.ts";
import { count } from "../format.ts";
import { useMay } from "../session.tsx";
import type { Delivery } from "../types.ts";
import { Empty, Page } from "../ui/basic.tsx";
import { DeliveryTable } from "../ui/deliveryTable.tsx";
import { FilterBar, NoneFits, WorkflowChoice } from "../ui/filters.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Range } from "../ui/range.tsx";
import { anyText, keep, useTimes, useUrl } from "../url.ts";

const own = { subscription: anyText, open: anyText };
const COUNTED = 1_000;

/** Dead letters: why they failed, and a replay of all at once, with a count first. */
export default function DeadLetters() {
  const [state] = useUrl(own);
  const [, navigate] = useLocation();
  const may = useMay();
  const [found, setFound] = useState<string>();
  const times = useTimes(state);
  const params = { from: times.from, to: times.to, subscription_id: state.subscription };
  const look = async () => {
    setFound(undefined);
    const { dead_letters, next_cursor } = await call<{ dead_letters: Delivery[]; next_cursor: string | null }>(
      "GET",
      `/dead-letters${queryOf({ ...params, limit: COUNTED })}`,
      { env: state.env },
    );
    setFound(`${count(dead_letters.length)}${next_cursor === null ? "" : " or more"}`);
  };
  const replay = async () => {
    const body = {
      from: times.from,
      ...defined({ to: times.to, subscription_id: state.subscription }),
    };
    const { replay_id } = await call<{ replay_id: string }>("POST", "/dead-letters/replay", { env: state.env, body });
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
            text={`${found === undefined ? "They are being counted." : `There are ${found}.`} Each is delivered again to its own subscription, at a pace that the endpoint can take. How far it has come stands under Replays; it can be cancelled there.`}
            opened={look}
            action={replay}
          />
        ) : null
      }
    >
      <Range />
      <FilterBar>
        <WorkflowChoice />
      </FilterBar>
      <DeliveryTable
        source={{ path: "/dead-letters", member: "dead_letters", params }}
        open={state.open}
        empty={
          state.subscription !== undefined ? (
            <NoneFits what="dead letter" />
          ) : (
            <Empty title={`No ${state.env} dead letters in this range.`}>
              A delivery comes here after 24 h of attempts that all failed. What fails now stands under{" "}
              <Link href={keep("/deliveries", { status: "failed" })}>failed deliveries</Link>.
            </Empty>
          )
        }
      />
    </Page>
  );
}
