import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { time } from "../format.ts";
import { useMay } from "../session.tsx";
import { useShows } from "../told.tsx";
import type { Incident } from "../types.ts";
import { Empty, Field, MemberTick, Status } from "../ui/basic.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { useCommon, zoneOf } from "../url.ts";
import { partNames } from "./health.tsx";

/** What went wrong with the platform, and what is planned; the operator tells customers of it here. */

const impacts = ["none", "degraded", "down"] as const;

/** Tells every customer of an incident or of maintenance. */
export function TellCustomers() {
  const client = useQueryClient();
  const [kind, setKind] = useState("incident");
  const [impact, setImpact] = useState<string>("degraded");
  const [parts, setParts] = useState<readonly string[]>([]);
  const [title, setTitle] = useState("");
  const [message, setMessage] = useState("");
  const tell = async () => {
    const body = { kind, title, impact, components: parts, ...(message === "" ? {} : { message }) };
    await call("POST", "/incidents", { body });
    setTitle("");
    setMessage("");
    await client.invalidateQueries({ queryKey: ["status"] });
  };
  return (
    <section className="card grid gap-3" aria-label="Tell customers">
      <h2 className="font-semibold">Tell customers</h2>
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="Kind">
          {(ids) => (
            <select {...ids} className="field" value={kind} onChange={(event) => setKind(event.target.value)}>
              <option>incident</option>
              <option>maintenance</option>
            </select>
          )}
        </Field>
        <Field label="Impact">
          {(ids) => (
            <select {...ids} className="field" value={impact} onChange={(event) => setImpact(event.target.value)}>
              {impacts.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Title">
          {(ids) => (
            <input {...ids} className="field" value={title} onChange={(event) => setTitle(event.target.value)} />
          )}
        </Field>
      </div>
      <fieldset className="flex flex-wrap gap-4 text-sm">
        <legend className="mb-1 font-medium">Parts concerned</legend>
        {Object.entries(partNames).map(([part, name]) => (
          <MemberTick key={part} list={parts} member={part} change={setParts}>
            {name}
          </MemberTick>
        ))}
      </fieldset>
      <Field label="Message" hint="Optional.">
        {(ids) => (
          <textarea
            {...ids}
            rows={3}
            className="field"
            value={message}
            onChange={(event) => setMessage(event.target.value)}
          />
        )}
      </Field>
      <div>
        <Confirm
          label="Publish"
          look="primary"
          disabled={title === ""}
          title={`Publish this ${kind}?`}
          text="Every customer sees it at once, without signing in too."
          action={tell}
        />
      </div>
    </section>
  );
}

function Resolve({ id, title }: { id: string; title: string }) {
  const client = useQueryClient();
  const resolve = async () => {
    await call("PATCH", `/incidents/${id}`, { body: { status: "resolved" } });
    await client.invalidateQueries({ queryKey: ["status"] });
  };
  return (
    <Confirm
      label="Resolve"
      title={`Say that "${title}" is over?`}
      text="Every customer sees it at once."
      action={resolve}
    />
  );
}

export function Incidents({ incidents }: { incidents: readonly Incident[] }) {
  const may = useMay();
  const [state] = useCommon();
  const zone = zoneOf(state);
  useShows({
    title: "Incidents and maintenance",
    sentence: incidents.length === 0 ? "None is open, planned or recent." : "",
    told: {
      columns: [{ name: "Title" }, { name: "Kind" }, { name: "Status" }, { name: "From" }, { name: "To" }],
      rows: incidents.map(({ title, kind, status, starts_at, ends_at }) => [
        title,
        kind,
        status,
        starts_at ?? null,
        ends_at ?? null,
      ]),
    },
  });
  return (
    <section aria-label="Incidents and maintenance" className="grid gap-2">
      <h2 className="text-lg font-semibold">Incidents and maintenance</h2>
      {incidents.length === 0 ? (
        <Empty title="None is open, planned or recent.">
          What goes wrong or is planned stands here, for 30 days after it is over.
        </Empty>
      ) : (
        <ul className="grid gap-2">
          {incidents.map(({ incident_id, kind, title, status, impact, components, message, starts_at, ends_at }) => (
            <li key={incident_id} className="card grid gap-1">
              <p className="font-medium">
                <Status status={status} /> {title}
              </p>
              <p className="text-sm text-muted">
                {kind === "maintenance" ? "Maintenance" : "Incident"}
                {starts_at === undefined ? "" : `, from ${time(starts_at, zone)}`}
                {ends_at === undefined || ends_at === null ? "" : ` until ${time(ends_at, zone)}`}
                {components === undefined || components.length === 0
                  ? ""
                  : `; concerns ${components.map((part) => partNames[part] ?? part).join(", ")}`}
                {impact === undefined || impact === "none" ? "" : `; ${impact} meanwhile`}
              </p>
              {message === null || message === undefined ? null : <p className="text-sm">{message}</p>}
              {may("customers") && status !== "resolved" ? (
                <div>
                  <Resolve id={incident_id} title={title} />
                </div>
              ) : null}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
