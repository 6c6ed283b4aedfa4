import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { count, ms, time } from "../format.ts";
import { useMay } from "../session.tsx";
import { Facts, Failure, Field, Loading, Note, Page, Status } from "../ui/basic.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";

interface Component {
  readonly status: string;
  readonly [figure: string]: unknown;
}
interface Incident {
  readonly incident_id: string;
  readonly kind: string;
  readonly title: string;
  readonly status: string;
  readonly message?: string | null;
  readonly starts_at?: string;
}
interface PlatformStatus {
  readonly status: string;
  readonly components: Readonly<Record<string, Component>>;
  readonly incidents: readonly Incident[];
}

const names: Readonly<Record<string, string>> = {
  api: "API",
  queue: "Queue",
  database: "Database",
  delivery: "Delivery",
};
const words: Readonly<Record<string, string>> = {
  ok: "Everything works.",
  degraded: "Something is slower than it should be. Nothing that was accepted is lost.",
  down: "A part does not answer. What was accepted is kept, and delivered when it does.",
};

/** A figure by its name: durations and sizes as such, quantiles one by one. */
function shown(name: string, value: unknown): string {
  if (typeof value === "number")
    return name.endsWith("_ms") ? ms(value) : name.endsWith("_seconds") ? `${count(value)} s` : count(value);
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(
        ([of, each]) =>
          `${of} ${typeof each === "number" ? (name.endsWith("_ms") && of !== "count" ? ms(each) : count(each)) : "–"}`,
      )
      .join(" · ");
  return String(value ?? "–");
}

/** Tells every customer of an incident or of maintenance. */
function Tell() {
  const client = useQueryClient();
  const [kind, setKind] = useState("incident");
  const [title, setTitle] = useState("");
  const [message, setMessage] = useState("");
  const tell = async () => {
    await call("POST", "/incidents", { body: { kind, title, ...(message === "" ? {} : { message }) } });
    setTitle("");
    setMessage("");
    await client.invalidateQueries({ queryKey: ["status"] });
  };
  return (
    <section className="card grid gap-3" aria-label="Tell customers">
      <h2 className="font-semibold">Tell customers</h2>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Kind">
          {(ids) => (
            <select {...ids} className="field" value={kind} onChange={(event) => setKind(event.target.value)}>
              <option>incident</option>
              <option>maintenance</option>
            </select>
          )}
        </Field>
        <Field label="Title">
          {(ids) => (
            <input {...ids} className="field" value={title} onChange={(event) => setTitle(event.target.value)} />
          )}
        </Field>
      </div>
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

/** The same for the operator's own people, who may say what goes on. */
export function Platform() {
  return <HealthPage title="Platform" />;
}

export default function Health() {
  return <HealthPage title="System health" />;
}

/** How the platform is, part by part, and what is planned or going on. */
function HealthPage({ title }: { title: string }) {
  const may = useMay();
  const [{ zone }] = useCommon();
  const query = useQuery({
    queryKey: ["status"],
    queryFn: () => call<PlatformStatus>("GET", "/status"),
    refetchInterval: 10_000,
  });
  if (query.isPending)
    return (
      <Page title={title}>
        <Loading />
      </Page>
    );
  if (query.isError)
    return (
      <Page title={title}>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    );
  const { status, components, incidents } = query.data;
  return (
    <Page title={title}>
      <Note tone={status === "ok" ? "good" : status === "degraded" ? "warn" : "bad"} title={words[status] ?? status}>
        As of {time(new Date(query.dataUpdatedAt).toISOString(), zone)}; looked at again every ten seconds.
      </Note>
      <div className="grid gap-3 sm:grid-cols-2">
        {Object.entries(components).map(([name, { status: state, ...figures }]) => (
          <section key={name} className="card grid content-start gap-2" aria-label={names[name] ?? name}>
            <h2 className="flex items-center gap-2 font-semibold">
              {names[name] ?? name} <Status status={state} />
            </h2>
            <Facts
              of={Object.entries(figures).map(([figure, value]) => [
                figure.replace(/_(ms|seconds)$/, "").replaceAll("_", " "),
                shown(figure, value),
              ])}
            />
          </section>
        ))}
      </div>
      {may("customers") ? <Tell /> : null}
      <h2 className="text-lg font-semibold">Incidents and maintenance</h2>
      {incidents.length === 0 ? (
        <p className="text-sm text-muted">None is open or planned.</p>
      ) : (
        <ul className="grid gap-2">
          {incidents.map((incident) => (
            <li key={incident.incident_id} className="card">
              <p className="font-medium">
                <Status status={incident.status} /> {incident.title}
              </p>
              <p className="text-sm text-muted">
                {incident.kind}
                {incident.starts_at === undefined ? "" : `, from ${time(incident.starts_at, zone)}`}
              </p>
              {may("customers") && incident.status !== "resolved" ? (
                <Resolve id={incident.incident_id} title={incident.title} />
              ) : null}
              {incident.message === null || incident.message === undefined ? null : (
                <p className="text-sm">{incident.message}</p>
              )}
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
