import { deliveryStatuses } from "../../../runtime/domain/statuses.ts";
import { Empty, Page } from "../ui/basic.tsx";
import { DeliveryTable } from "../ui/deliveryTable.tsx";
import { Choice, FilterBar, NoneFits, WorkflowChoice } from "../ui/filters.tsx";
import { Range } from "../ui/range.tsx";
import { Way } from "../ui/way.tsx";
import { anyText, maybeOneOf, useTimes, useUrl } from "../url.ts";

const own = { status: maybeOneOf(deliveryStatuses), subscription: anyText, open: anyText };

/** What was posted to whom, when, and what was answered. */
export default function Deliveries() {
  const [state, set] = useUrl(own);
  const times = useTimes(state);
  return (
    <Page title="Deliveries">
      <Range />
      <FilterBar>
        <Choice
          label="Status"
          values={deliveryStatuses}
          value={state.status}
          choose={(status) => set({ status, open: undefined }, false)}
        />
        <WorkflowChoice />
      </FilterBar>
      <DeliveryTable
        source={{
          path: "/deliveries",
          member: "deliveries",
          params: { from: times.from, to: times.to, status: state.status, subscription_id: state.subscription },
        }}
        open={state.open}
        empty={
          state.status !== undefined || state.subscription !== undefined ? (
            <NoneFits what="delivery" />
          ) : (
            <Empty title={`No ${state.env} deliveries in this range.`}>
              Choose a longer range or another environment, or <Way to="/send">send an event</Way> that a subscription
              matches.
            </Empty>
          )
        }
      />
    </Page>
  );
}
