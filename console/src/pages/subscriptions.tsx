import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { call } from "../api.ts";
import { count, selectorText } from "../format.ts";
import { numberIn, useMetrics } from "../metrics.ts";
import { useMay } from "../session.tsx";
import type { Subscription } from "../types.ts";
import { ActionLink, Button, Code, Empty, Failure, Field, Note, Page, Status, When } from "../ui/basic.tsx";
import { Choice, FilterBar, Sought } from "../ui/filters.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { Dialog } from "../ui/overlay.tsx";
import { type SelectorDraft, SelectorFields, selectorOf } from "../ui/selectorFields.tsx";
import { Table } from "../ui/table.tsx";
import { anyText, keep, maybeOneOf, useUrl } from "../url.ts";

const own = { status: maybeOneOf(["active", "disabled"]), workflow: anyText };

function Create() {
  const [{ env }] = useUrl(own);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [workflow, setWorkflow] = useState("");
  const [url, setUrl] = useState("");
  const [draft, setDraft] = useState<SelectorDraft>({ type: "", jsonpath: "", cel: "" });
  const [error, setError] = useState<unknown>();
  const [made, setMade] = useState<{ subscription_id: string; signing_secret: string }>();
  const create = async () => {
    setError(undefined);
    try {
      const body = {
        ...(workflow === "" ? {} : { workflow_id: workflow }),
        webhook_url: url,
        event_selector: selectorOf(draft),
      };
      setMade(await call("POST", "/subscriptions", { env, body }));
      await client.invalidateQueries({ queryKey: ["list", "/subscriptions"] });
    } catch (cause) {
      setError(cause);
    }
  };
  const close = () => {
    setOpen(false);
    if (made !== undefined) navigate(keep(`/subscriptions/${made.subscription_id}`));
  };
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        New subscription
      </Button>
      <Dialog title={`New ${env} subscription`} open={open} close={close}>
        {made === undefined ? (
          <>
            <Field label="Webhook URL" hint="Public https.">
              {(ids) => (
                <input
                  {...ids}
                  className="field mono"
                  value={url}
                  onChange={(event) => setUrl(event.target.value)}
                  placeholder="https://example.com/hooks"
                />
              )}
            </Field>
            <Field label="Workflow" hint="Optional: your own name for what it starts.">
              {(ids) => (
                <input
                  {...ids}
                  className="field"
                  value={workflow}
                  onChange={(event) => setWorkflow(event.target.value)}
                />
              )}
            </Field>
            <SelectorFields draft={draft} change={setDraft} error={error} />
            {error === undefined ? null : <Failure error={error} />}
            <div className="flex justify-end gap-2">
              <Button onPress={close}>Cancel</Button>
              <Button look="primary" onPress={() => void create()}>
                Create
              </Button>
            </div>
          </>
        ) : (
          <>
            <Note tone="good" title="It is effective within 5 seconds.">
              Its signing secret is shown this once: keep it where your endpoint can read it.
            </Note>
            <Code label="Signing secret" text={made.signing_secret} />
            <div className="flex justify-end">
              <Button look="primary" onPress={close}>
                Done
              </Button>
            </div>
          </>
        )}
      </Dialog>
    </>
  );
}

/** How a subscription has done in 24 hours, in a word and in figures. */
function Health({ delivered, failed, dead }: { delivered: number; failed: number; dead: number }) {
  if (delivered + failed + dead === 0) return <span className="text-muted">quiet</span>;
  const word = dead > 0 ? "dead_lettered" : failed > 0 ? "failed" : "delivered";
  return (
    <span className="flex flex-wrap items-center gap-1">
      <Status status={word} /> {count(delivered)} delivered, {count(failed)} failed
    </span>
  );
}

export default function Subscriptions() {
  const [state, set] = useUrl(own);
  const may = useMay();
  const health = useMetrics(
    {
      measures: ["delivered", "failed", "dead_lettered"],
      last: "24h",
      interval: "none",
      group_by: ["subscription_id"],
      top: 100,
    },
    state.env,
    30_000,
  );
  const of = new Map((health.data?.series ?? []).map(({ key, totals }) => [key.subscription_id, totals]));
  const list = useList<Subscription>({
    path: "/subscriptions",
    member: "subscriptions",
    options: { env: state.env },
    params: { limit: "1000" },
  });
  return (
    <Page
      title="Subscriptions"
      actions={
        <>
          {may("send") ? <ActionLink href={keep("/send")}>Test matching</ActionLink> : null}
          {may("configure") ? <Create /> : null}
        </>
      }
    >
      <FilterBar>
        <Choice
          label="Status"
          values={["active", "disabled"]}
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
                  cell: ({ subscription_id }) =>
                    health.data === undefined ? null : (
                      <Health
                        delivered={numberIn(of.get(subscription_id), "delivered")}
                        failed={numberIn(of.get(subscription_id), "failed")}
                        dead={numberIn(of.get(subscription_id), "dead_lettered")}
                      />
                    ),
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
