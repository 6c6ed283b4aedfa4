import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { alertKinds, severities } from "../../../runtime/domain/alerts/kinds.ts";
import { measureNames, measures } from "../../../runtime/domain/metrics/names.ts";
import {
  type AlertRule,
  bodyOf,
  emptyForm,
  formOf,
  formUnit,
  kindNames,
  narrowedBy,
  type RuleForm,
  readValue,
  unitNames,
  usualForm,
} from "../alertForm.ts";
import { call } from "../api.ts";
import { count } from "../format.ts";
import { useFormDraft, useMay } from "../session.tsx";
import { Button, Empty, Failure, Field, NameField, When } from "../ui/basic.tsx";
import { Choice } from "../ui/filters.tsx";
import { MetricFilter } from "../ui/metricFilter.tsx";
import { Ringing, type Rung } from "../ui/ringing.tsx";
import { Table } from "../ui/table.tsx";
import { useCommon, useHere } from "../url.ts";
import type { Channel } from "./alertChannels.tsx";

interface Preview {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly firing_minutes: number;
  readonly alerts: readonly (Rung & { readonly since: string; readonly value: number })[];
}

const lasts = ["1m", "5m", "15m", "1h", "6h", "24h"] as const;

/** Minutes in words. */
const lasting = (minutes: number): string =>
  minutes < 120 ? `${count(minutes)} min` : `${(minutes / 60).toFixed(1)} hours`;

/** When the rule would have rung: drawn on a line of time, in a sentence, and as a table. */
function Rehearsed({ preview, form }: { preview: Preview; form: RuleForm }) {
  const [{ zone }] = useCommon();
  const says =
    preview.count === 0
      ? "It would not have rung in the last 30 days."
      : `It would have rung ${count(preview.count)} ${preview.count === 1 ? "time" : "times"} in the last 30 days, ${lasting(preview.firing_minutes)} in all.`;
  return (
    <section aria-label="Preview over 30 days" className="card grid gap-3">
      <h2 className="font-semibold">Preview over 30 days</h2>
      <p role="status">{says}</p>
      <Ringing rung={preview.alerts} from={preview.from} to={preview.to} zone={zone} says={says} />
      {preview.alerts.length === 0 ? null : (
        <Table
          caption="When it would have rung"
          rows={[...preview.alerts].reverse().slice(0, 100)}
          rowKey={({ fired_at }) => fired_at}
          columns={[
            { name: "Rang", cell: ({ fired_at }) => <When at={fired_at} zone={zone} /> },
            {
              name: "Ended",
              cell: ({ resolved_at }) =>
                resolved_at === null ? "it would ring now" : <When at={resolved_at} zone={zone} />,
            },
            { name: "Severity", cell: ({ severity }) => severity },
            { name: "Highest", cell: ({ value }) => readValue(value, formUnit(form)) },
          ]}
        />
      )}
    </section>
  );
}

/** Writes a rule, new or known: what it watches, from when on it is too much, who is told; tried on the last 30 days before it counts. */
export function RuleEditor({
  rule,
  channels,
  close,
}: {
  rule: AlertRule | undefined;
  channels: readonly Channel[];
  close: () => void;
}) {
  const [{ env }] = useCommon();
  const may = useMay();
  const here = useHere();
  const client = useQueryClient();
  const [form, change, drop] = useFormDraft<RuleForm>(
    `alert rule ${rule?.rule_id ?? "new"}`,
    rule === undefined ? emptyForm : formOf(rule),
  );
  const [preview, setPreview] = useState<Preview>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const unit = formUnit(form);
  const run = (work: () => Promise<void>) => async () => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };
  const rehearse = run(async () =>
    setPreview(await call<Preview>("POST", "/alert-rules/preview", { env, body: bodyOf(form) })),
  );
  const save = run(async () => {
    const body = bodyOf(form);
    if (rule === undefined) await call("POST", "/alert-rules", { env, body });
    else await call("PATCH", `/alert-rules/${rule.rule_id}`, { env, body });
    await client.invalidateQueries({ queryKey: ["list", "/alert-rules"] });
    drop();
    close();
  });
  return (
    <div className="grid gap-4">
      <p>
        <Link href={here({ rule: undefined })}>All rules</Link>
      </p>
      <form
        className="card grid max-w-3xl gap-4"
        aria-label={rule === undefined ? "New rule" : `Rule ${rule.name}`}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <h2 className="font-semibold">{rule === undefined ? `New ${env} rule` : rule.name}</h2>
        <div className="grid items-start gap-3 sm:grid-cols-2">
          <NameField value={form.name} change={(name) => change({ name })} />
          <Choice
            label="Kind"
            any={null}
            values={alertKinds.map((kind) => [kind, kindNames[kind]] as const)}
            value={form.kind}
            choose={(kind) => change(usualForm(kind as RuleForm["kind"]))}
          />
          {form.kind === "metric" ? (
            <>
              <Choice
                label="Metric"
                any={null}
                values={measures.map((measure) => [measure, measureNames[measure]] as const)}
                value={form.measure}
                choose={(measure) => change({ measure: measure as RuleForm["measure"] })}
              />
              <Choice
                label="Over the last"
                any={null}
                values={lasts}
                value={form.last}
                choose={(last) => change({ last: last! })}
              />
            </>
          ) : null}
          {unit === "up" ? null : (
            <Field
              label={unitNames[unit] === "" ? "Threshold" : `Threshold, ${unitNames[unit]}`}
              hint="It rings above it."
            >
              {(ids) => (
                <input
                  {...ids}
                  className="field"
                  inputMode="decimal"
                  value={form.threshold}
                  onChange={(event) => change({ threshold: event.target.value })}
                />
              )}
            </Field>
          )}
          <Field label="For minutes" hint="How long it has to last; 0 rings at once.">
            {(ids) => (
              <input
                {...ids}
                className="field"
                inputMode="numeric"
                value={form.for_minutes}
                onChange={(event) => change({ for_minutes: event.target.value })}
              />
            )}
          </Field>
          <Choice
            label="Severity"
            any={null}
            values={severities}
            value={form.severity}
            choose={(severity) => change({ severity: severity as RuleForm["severity"] })}
          />
        </div>
        <MetricFilter allowed={narrowedBy(form)} filter={form.filter} change={(filter) => change({ filter })} />
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-sm font-medium">Channels</legend>
          {channels.length === 0 ? (
            <Empty title="There is no channel yet.">
              <Link href={here({ tab: "channels", rule: undefined })}>Add one</Link>; what rings stands here all the
              same.
            </Empty>
          ) : (
            channels.map(({ channel_id, kind, target, verified }) => (
              <label key={channel_id} className="flex items-center gap-2 text-sm">
                <input
                  type="checkbox"
                  className="size-5"
                  checked={form.channels.includes(channel_id)}
                  onChange={(event) =>
                    change({
                      channels: event.target.checked
                        ? [...form.channels, channel_id]
                        : form.channels.filter((each) => each !== channel_id),
                    })
                  }
                />
                {kind}: {target}
                {verified ? "" : " (not verified: not used yet)"}
              </label>
            ))
          )}
        </fieldset>
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            className="size-5"
            checked={form.enabled}
            onChange={(event) => change({ enabled: event.target.checked })}
          />
          Enabled
        </label>
        {error === undefined ? null : <Failure error={error} />}
        <div className="flex flex-wrap gap-2">
          <Button onPress={() => void rehearse()} isDisabled={busy}>
            {busy ? "Working…" : "Preview"}
          </Button>
          {may("watch") ? (
            <Button type="submit" look="primary" isDisabled={busy}>
              Save
            </Button>
          ) : null}
          <Button
            look="quiet"
            onPress={() => {
              drop();
              close();
            }}
          >
            Cancel
          </Button>
        </div>
      </form>
      {preview === undefined ? null : <Rehearsed preview={preview} form={form} />}
    </div>
  );
}
