import { useQueryClient } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { subscriptionStatuses } from "../../../runtime/domain/statuses.ts";
import { call } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { count, selectorText } from "../format.ts";
import { numberIn } from "../metrics.ts";
import { noSelector, selectorOf } from "../selectorForm.ts";
import { useMay } from "../session.tsx";
import { useTotalsOf } from "../totals.ts";
import type { Subscription } from "../types.ts";
import { ActionLink, Empty, Page, Status, When } from "../ui/basic.tsx";
import { Create } from "../ui/create.tsx";
import { Choice, FilterBar, Sought } from "../ui/filters.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { SelectorFields } from "../ui/selectorFields.tsx";
import { Table } from "../ui/table.tsx";
import { type MadeSubscription, noTarget, ShownSecret, TargetFields, targetOf } from "../ui/target.tsx";
import { anyText, keep, maybeOneOf, useUrl } from "../url.ts";

const own = { status: maybeOneOf(subscriptionStatuses), workflow: anyText };

function NewSubscription() {
  const [{ env }] = useUrl(own);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [draft, change, drop] = useFormDraft("new subscription", { ...noTarget, ...noSelector });
  const make = async () => {
    const body = { ...targetOf(draft), event_selector: selectorOf(draft) };
    const made = await call<MadeSubscription>("POST", "/subscriptions", { env, body });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/subscriptions"] });
    return made;
  };
  return (
    <Create
      label="New subscription"
      title={`New ${env} subscription`}
      make={make}
      made={({ signing_secret }) => <ShownSecret secret={signing_secret} />}
      done={({ subscription_id }) => navigate(keep(`/subscriptions/${subscription_id}`))}
    >
      {({ error }) => (
        <>
          <TargetFields draft={draft} change={change} />
          <SelectorFields draft={draft} change={change} error={error} />
        </>
      )}
    </Create>
  );
}

/** How a subscription has done in 24 hours, in a word and in figures. */
function Health({ delivered, failed, dead }: { delivered: number; failed: number; dead: number }) {
  if (delivered + failed + dead === 0) return <span className="text-muted">quiet</span>;
  const word = dead > 0 ? "dead_lettered" : failed > 0 ? "failed" : "delivered";
  return (
    <span className="flex flex-wrap items-center gap-1 max-md:justify-end">
      <Status status={word} /> {count(delivered)} delivered, {count(failed)} failed
    </span>
  );
}

export default function Subscriptions() {
  const [state, set] = useUrl(own);
  const may = useMay();
  const list = useList<Subscription>({
    path: "/subscriptions",
    member: "subscriptions",
    options: { env: state.env },
    params: { limit: "1000" },
  });
  const health = useTotalsOf(
    list.rows.map(({ subscription_id }) => subscription_id),
    { measures: ["delivered", "failed", "dead_lettered"], last: "24h" },
    state.env,
    30_000,
  );
  return (
    <Page
      title="Subscriptions"
      actions={
        <>
          {may("send") ? <ActionLink href={keep("/send")}>Test matching</ActionLink> : null}
          {may("configure") ? <NewSubscription /> : null}
        </>
      }
    >
      <FilterBar>
        <Choice
          label="Status"
          values={subscriptionStatuses}
          value={state.status}
          choose={(status) => set({ status }, false)}
        />
        <Sought
          label="Workflow"
          value={state.workflow}
          seek={(workflow) => set({ workflow }, false)}
          hint="Contained in its name."
        />
      </FilterBar>
      {list.hasNextPage ? (
        <p className="text-sm text-muted">
          The filters look at the first {count(list.rows.length)}; show more to look further.
        </p>
      ) : null}
      <Listed
        list={list}
        file="subscriptions"
        empty={
          <Empty title={`There is no ${state.env} subscription yet.`}>
            A subscription says which events go to which webhook.
          </Empty>
        }
      >
        {(rows) => {
          const wanted = rows.filter(
            ({ status, workflow_id, subscription_id }) =>
              (state.status === undefined || status === state.status) &&
              (state.workflow === undefined ||
                (workflow_id ?? subscription_id).toLowerCase().includes(state.workflow.toLowerCase())),
          );
          return wanted.length === 0 ? (
            <Empty title="No subscription fits these filters." />
          ) : (
            <Table
              caption="Subscriptions"
              rows={wanted}
              rowKey={({ subscription_id }) => subscription_id}
              columns={[
                {
                  name: "Subscription",
                  named: true,
                  cell: ({ subscription_id, workflow_id }) => (
                    <Link href={keep(`/subscriptions/${subscription_id}`)}>
                      {workflow_id ?? <span className="mono">{subscription_id}</span>}
                    </Link>
                  ),
                },
                { name: "Status", cell: ({ status }) => <Status status={status} /> },
                { name: "Selects", cell: ({ event_selector }) => <code>{selectorText(event_selector)}</code> },
                { name: "Webhook", cell: ({ webhook_url }) => <span className="mono">{webhook_url}</span> },
                {
                  name: "Last 24 h",
                  cell: ({ subscription_id }) => {
                    const totals = health.get(subscription_id);
                    return totals === undefined ? null : (
                      <Health
                        delivered={numberIn(totals, "delivered")}
                        failed={numberIn(totals, "failed")}
                        dead={numberIn(totals, "dead_lettered")}
                      />
                    );
                  },
                },
                { name: "Changed", cell: ({ updated_at }) => <When at={updated_at} zone={state.zone} /> },
              ]}
            />
          );
        }}
      </Listed>
    </Page>
  );
}
