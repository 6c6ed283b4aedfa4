import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Dimension, measureNames, measures } from "../../../runtime/domain/metrics/names.ts";
import { dimensionNames } from "../alertForm.ts";
import { call } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import {
  charts,
  commonDimensions,
  emptyReport,
  emptyTile,
  periods,
  type Report,
  type ReportForm,
  reportBodyOf,
  reportFormOf,
  type TileForm,
} from "../reportForm.ts";
import { useMay } from "../session.tsx";
import type { Channel } from "../types.ts";
import { Button, MemberTick, NameField, Note, TextField } from "../ui/basic.tsx";
import { EditorFrame } from "../ui/editorFrame.tsx";
import { Choice } from "../ui/filters.tsx";
import { Mail, mailPage } from "../ui/mail.tsx";
import { MetricFilter } from "../ui/metricFilter.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { ZoneChoice } from "../ui/zoneChoice.tsx";
import { useCommon } from "../url.ts";
import { useWork } from "../work.ts";
import { ownZone } from "../zones.ts";
import { AddChannel, EnterCode } from "./alertChannels.tsx";

const MAX_TILES = 12;
const chartNames = { line: "Lines over time", bar: "Bars", number: "Figures", table: "Table" } as const;

function TileFields({
  tile,
  place,
  of,
  change,
  move,
  remove,
}: {
  tile: TileForm;
  place: number;
  of: number;
  change: (changes: Partial<TileForm>) => void;
  move: (by: -1 | 1) => void;
  remove: () => void;
}) {
  const allowed = commonDimensions(tile.measures);
  return (
    <fieldset className="grid gap-3 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">Tile {place + 1}</legend>
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <TextField label="Title" maxLength={120} value={tile.title} change={(title) => change({ title })} />
        <Choice
          label="Drawn as"
          any="As fits"
          values={charts.map((chart) => [chart, chartNames[chart]] as const)}
          value={tile.chart}
          choose={(chart) => change({ chart: (chart ?? "") as TileForm["chart"] })}
        />
        <Choice
          label="Group by"
          any="Nothing"
          values={allowed.map((dimension) => [dimension, dimensionNames[dimension]] as const)}
          value={tile.group_by}
          choose={(dimension) => change({ group_by: (dimension ?? "") as Dimension | "" })}
        />
        <Choice
          label="Over the last"
          any="Range of the report"
          values={["24h", "7d", "30d", "90d"]}
          value={tile.last}
          choose={(last) => change({ last: last ?? "" })}
        />
      </div>
      <fieldset>
        <legend className="mb-1 text-sm font-medium">Metrics</legend>
        <div className="grid gap-1 sm:grid-cols-3">
          {measures.map((measure) => (
            <MemberTick key={measure} list={tile.measures} member={measure} change={(measures) => change({ measures })}>
              {measureNames[measure]}
            </MemberTick>
          ))}
        </div>
      </fieldset>
      <MetricFilter allowed={allowed} filter={tile.filter} change={(filter) => change({ filter })} />
      <div className="flex flex-wrap gap-2">
        <Button aria-label={`Move tile ${place + 1} up`} isDisabled={place === 0} onPress={() => move(-1)}>
          Up
        </Button>
        <Button aria-label={`Move tile ${place + 1} down`} isDisabled={place === of - 1} onPress={() => move(1)}>
          Down
        </Button>
        <Button aria-label={`Remove tile ${place + 1}`} isDisabled={of === 1} onPress={remove}>
          Remove
        </Button>
      </div>
    </fieldset>
  );
}

/** Verified addresses to choose among, and one more to be verified. */
function Recipients({
  form,
  change,
  addresses,
  unsubscribed,
}: {
  form: ReportForm;
  change: (changes: Partial<ReportForm>) => void;
  addresses: readonly Channel[];
  unsubscribed: readonly string[];
}) {
  const [{ env }] = useCommon();
  const client = useQueryClient();
  const changed = () => client.invalidateQueries({ queryKey: ["list", "/alert-channels"] });
  const gone = form.recipients.filter((address) => !addresses.some(({ target }) => target === address));
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 text-sm font-medium">Recipients</legend>
      {addresses.length === 0 ? <p className="text-sm text-muted">There is no address yet.</p> : null}
      {[
        ...addresses.map(({ target, verified }) => ({ target, verified })),
        ...gone.map((target) => ({ target, verified: false })),
      ].map(({ target, verified }) => (
        <div key={target} className="flex flex-wrap items-center gap-2">
          <MemberTick
            list={form.recipients}
            member={target}
            change={(recipients) => change({ recipients })}
            disabled={!verified && !form.recipients.includes(target)}
          >
            {target}
            {verified ? "" : " (not verified)"}
            {unsubscribed.includes(target) ? " (has unsubscribed)" : ""}
          </MemberTick>
          {verified || gone.includes(target) ? null : (
            <EnterCode
              channel={addresses.find((each) => each.target === target)!}
              hint="The six digits in the mail; its link verifies the address too."
              env={env}
              verified={changed}
            />
          )}
        </div>
      ))}
    </fieldset>
  );
}

/** Writes a report, new or known, and shows the mail before it is sent. */
export function ReportEditor({
  report,
  addresses,
  saved,
  close,
}: {
  report: Report | undefined;
  addresses: readonly Channel[];
  saved: (id: string) => void;
  close: () => void;
}) {
  const [{ env }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const [form, change, drop] = useFormDraft<ReportForm>(
    `report ${report?.report_id ?? "new"}`,
    report === undefined ? emptyReport(ownZone) : reportFormOf(report, ownZone),
  );
  const [mail, setMail] = useState<Document>();
  const [done, setDone] = useState(false);
  const work = useWork();
  const preview = async () => {
    setDone(false);
    setMail(await mailPage("/reports/preview", env, reportBodyOf(form)));
  };
  const save = async () => {
    setDone(false);
    const body = reportBodyOf(form);
    const made =
      report === undefined
        ? await call<Report>("POST", "/reports", { env, body })
        : await call<Report>("PATCH", `/reports/${report.report_id}`, { env, body });
    await client.invalidateQueries({ queryKey: ["list", "/reports"] });
    drop();
    setDone(true);
    saved(made.report_id);
  };
  const remove = async () => {
    await call("DELETE", `/reports/${report!.report_id}`, { env });
    await client.invalidateQueries({ queryKey: ["list", "/reports"] });
    drop();
    close();
  };
  const setTile = (place: number, changes: Partial<TileForm>) =>
    change({ tiles: form.tiles.map((tile, at) => (at === place ? { ...tile, ...changes } : tile)) });
  const move = (place: number, by: -1 | 1) => {
    const tiles = [...form.tiles];
    [tiles[place], tiles[place + by]] = [tiles[place + by]!, tiles[place]!];
    change({ tiles });
  };
  return (
    <div className="grid gap-4">
      <EditorFrame
        name={report === undefined ? "New report" : `Report ${report.name}`}
        title={report === undefined ? `New ${env} report` : report.name}
        work={work}
        preview={preview}
        save={save}
        note={
          done ? (
            <div role="status">
              <Note tone="good">Saved.</Note>
            </div>
          ) : null
        }
        actions={
          report === undefined ? null : (
            <Confirm
              label="Delete"
              look="danger"
              title={`Delete the report "${report.name}"?`}
              text="Its past runs go with it."
              action={remove}
            />
          )
        }
      >
        <div className="grid items-start gap-3 sm:grid-cols-2">
          <NameField value={form.name} change={(name) => change({ name })} />
          <Choice
            label="Template"
            any={null}
            values={[
              ["weekly", "Weekly summary"],
              ["monthly", "Monthly summary"],
              ["own", "Own tiles"],
            ]}
            value={form.template}
            choose={(template) => change({ template: template as ReportForm["template"] })}
          />
          <Choice
            label="Sent"
            any="When somebody runs it"
            values={periods.map((every) => [every, `Every ${every}`] as const)}
            value={form.every}
            choose={(every) => change({ every: (every ?? "") as ReportForm["every"] })}
            hint="Weeks begin on Monday, months on the first."
          />
          {form.every === "" ? null : (
            <>
              <TextField label="At" type="time" value={form.at} change={(at) => change({ at })} />
              <ZoneChoice zone={form.time_zone} choose={(time_zone) => change({ time_zone })} />
            </>
          )}
        </div>
        {form.template === "own" ? (
          <section aria-label="Tiles" className="grid gap-3">
            {form.tiles.map((tile, place) => (
              <TileFields
                // biome-ignore lint/suspicious/noArrayIndexKey: a tile's title is what is being written
                key={place}
                tile={tile}
                place={place}
                of={form.tiles.length}
                change={(changes) => setTile(place, changes)}
                move={(by) => move(place, by)}
                remove={() => change({ tiles: form.tiles.filter((_, at) => at !== place) })}
              />
            ))}
            <div>
              <Button
                isDisabled={form.tiles.length >= MAX_TILES}
                onPress={() => change({ tiles: [...form.tiles, emptyTile] })}
              >
                Add a tile
              </Button>
            </div>
          </section>
        ) : null}
        <Recipients form={form} change={change} addresses={addresses} unsubscribed={report?.unsubscribed ?? []} />
      </EditorFrame>
      {may("watch") ? (
        <details className="max-w-3xl">
          <summary className="cursor-pointer text-sm font-medium">Add an address</summary>
          <div className="mt-2">
            <AddChannel
              only="email"
              added={() => client.invalidateQueries({ queryKey: ["list", "/alert-channels"] })}
            />
          </div>
        </details>
      ) : null}
      {mail === undefined ? null : (
        <section aria-label="Preview" className="grid max-w-3xl gap-2">
          <h2 className="font-semibold">Preview</h2>
          <p className="text-sm text-muted">
            The mail as it would go out now, from the same drawing. Mails also hold a PDF, a table and a link to
            unsubscribe.
          </p>
          <Mail page={mail} />
        </section>
      )}
    </div>
  );
}
