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
import { useFormDraft } from "../drafts.ts";
import { count, countOf } from "../format.ts";
import type { AlertPreview, Channel } from "../types.ts";
import { Empty, MemberTick, NameField, TextField, Tick, When } from "../ui/basic.tsx";
import { EditorFrame } from "../ui/editorFrame.tsx";
import { Choice } from "../ui/filters.tsx";
import { MetricFilter } from "../ui/metricFilter.tsx";
import { Ringing } from "../ui/ringing.tsx";
import { Table } from "../ui/table.tsx";
import { useCommon, useHere } from "../url.ts";
import { useWork } from "../work.ts";

const lasts = ["1m", "5m", "15m", "1h", "6h", "24h"] as const;

/** Minutes in words. */
const lasting = (minutes: number): string =>
  minutes < 120 ? `${count(minutes)} min` : `${(minutes / 60).toFixed(1)} hours`;

/** When the rule would have rung: drawn on a line of time, in a sentence, and as a table. */
function Rehearsed({ preview, form }: { preview: AlertPreview; form: RuleForm }) {
  const [{ zone }] = useCommon();
  const says =
    preview.count === 0
      ? "It would not have rung in the last 30 days."
      : `It would have rung ${countOf(preview.count, "time")} in the last 30 days, ${lasting(preview.firing_minutes)} in all.`;
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
  const here = useHere();
  const client = useQueryClient();
  const [form, change, drop] = useFormDraft<RuleForm>(
    `alert rule ${rule?.rule_id ?? "new"}`,
    rule === undefined ? emptyForm : formOf(rule),
  );
  const [preview, setPreview] = useState<AlertPreview>();
  const work = useWork();
  const unit = formUnit(form);
  const rehearse = async () =>
    setPreview(await call<AlertPreview>("POST", "/alert-rules/preview", { env, body: bodyOf(form) }));
  const save = async () => {
    const body = bodyOf(form);
    if (rule === undefined) await call("POST", "/alert-rules", { env, body });
    else await call("PATCH", `/alert-rules/${rule.rule_id}`, { env, body });
    await client.invalidateQueries({ queryKey: ["list", "/alert-rules"] });
    drop();
    close();
  };
  return (
    <div className="grid gap-4">
      <p>
        <Link href={here({ rule: undefined })}>All rules</Link>
      </p>
      <EditorFrame
        name={rule === undefined ? "New rule" : `Rule ${rule.name}`}
        title={rule === undefined ? `New ${env} rule` : rule.name}
        work={work}
        preview={rehearse}
        save={save}
        cancel={() => {
          drop();
          close();
        }}
      >
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
            <TextField
              label={unitNames[unit] === "" ? "Threshold" : `Threshold, ${unitNames[unit]}`}
              hint="It rings above it."
              inputMode="decimal"
              value={form.threshold}
              change={(threshold) => change({ threshold })}
            />
          )}
          <TextField
            label="For minutes"
            hint="How long it has to last; 0 rings at once."
            inputMode="numeric"
            value={form.for_minutes}
            change={(for_minutes) => change({ for_minutes })}
          />
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
              <MemberTick
                key={channel_id}
                list={form.channels}
                member={channel_id}
                change={(channels) => change({ channels })}
              >
                {kind}: {target}
                {verified ? "" : " (not verified: not used yet)"}
              </MemberTick>
            ))
          )}
        </fieldset>
        <Tick checked={form.enabled} change={(enabled) => change({ enabled })}>
          Enabled
        </Tick>
      </EditorFrame>
      {preview === undefined ? null : <Rehearsed preview={preview} form={form} />}
    </div>
  );
}
