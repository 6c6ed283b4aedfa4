import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { count } from "../format.ts";
import { paceOfWork } from "../pace.ts";
import { useMay } from "../session.tsx";
import { typedNumber } from "../typedNumber.ts";
import type { Masking, PrivacyRequest } from "../types.ts";
import {
  Button,
  Code,
  Empty,
  Failure,
  Field,
  Loading,
  MemberTick,
  Note,
  Page,
  Status,
  TextField,
  When,
} from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { useCommon } from "../url.ts";
import { useWork } from "../work.ts";

function Retention() {
  const may = useMay();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["retention"], queryFn: () => call<{ days: number }>("GET", "/retention") });
  const [days, setDays] = useState<string>();
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failure error={query.error} />;
  const shown = days ?? String(query.data.days);
  const save = async () => {
    await call("PUT", "/retention", { body: { days: typedNumber(shown) } });
    await client.invalidateQueries({ queryKey: ["retention"] });
  };
  return (
    <Field label="Days that events are kept" hint="Counts for events stored from then on.">
      {(ids) => (
        <span className="flex flex-wrap gap-2">
          <input
            {...ids}
            inputMode="numeric"
            className="field w-40"
            readOnly={!may("decide_privacy")}
            value={shown}
            onChange={(event) => setDays(event.target.value)}
          />
          {may("decide_privacy") ? (
            <Confirm
              label="Save days"
              title={`Keep events for ${shown} days?`}
              text="For live and sandbox alike."
              action={save}
            />
          ) : null}
        </span>
      )}
    </Field>
  );
}

const kinds: readonly (readonly [kind: Masking["detect"][number], name: string])[] = [
  ["email", "E-mail addresses"],
  ["card", "Card numbers"],
  ["phone", "Phone numbers"],
  ["token", "Tokens and keys"],
];

/** What the customer has the console hide; who may not decide it reads it. */
export function MaskingForm() {
  const may = useMay();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["masking"], queryFn: () => call<Masking>("GET", "/masking") });
  const [{ changed }, setChanged, drop] = useFormDraft<{ readonly changed?: Masking }>("masking", {});
  const work = useWork();
  const [done, setDone] = useState(false);
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failure error={query.error} />;
  const masking = changed ?? query.data;
  const save = async () => {
    setDone(false);
    await call("PUT", "/masking", {
      body: { ...masking, paths: masking.paths.map((path) => path.trim()).filter((path) => path !== "") },
    });
    await client.invalidateQueries({ queryKey: ["masking"] });
    drop();
    setDone(true);
  };
  const locked = !may("decide_privacy");
  return (
    <div className="grid max-w-2xl gap-3">
      <Field
        label="Members that are always masked"
        hint="JSONPath of the payload, one a line: $.card, $.customer.email"
      >
        {(ids) => (
          <textarea
            {...ids}
            rows={4}
            spellCheck={false}
            readOnly={locked}
            className="field mono"
            value={masking.paths.join("\n")}
            onChange={(event) => setChanged({ changed: { ...masking, paths: event.target.value.split("\n") } })}
          />
        )}
      </Field>
      <fieldset className="grid gap-1" disabled={locked}>
        <legend className="text-sm font-medium">Recognised and masked wherever it stands</legend>
        {kinds.map(([kind, name]) => (
          <MemberTick
            key={kind}
            list={masking.detect}
            member={kind}
            change={(detect) => setChanged({ changed: { ...masking, detect } })}
          >
            {name}
          </MemberTick>
        ))}
      </fieldset>
      {work.error === undefined ? null : <Failure error={work.error} />}
      {done ? <Note tone="good">Saved: it counts for everything that is shown from now on.</Note> : null}
      {locked ? null : (
        <div>
          <Button look="primary" isPending={work.busy} onPress={() => void work.run(save)}>
            Save masking
          </Button>
        </div>
      )}
    </div>
  );
}

function Ask() {
  const [{ env }] = useCommon();
  const client = useQueryClient();
  const [{ path, value }, change, drop] = useFormDraft("privacy request", { path: "$.customer.email", value: "" });
  const ask = (what: "exports" | "erasures") => async () => {
    await call("POST", `/privacy/${what}`, { env, body: { subject: { jsonpath: path, equals: value } } });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/privacy/requests"] });
  };
  return (
    <div className="card grid gap-3">
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField label="Where the person is named" mono value={path} change={(path) => change({ path })} />
        <TextField label="By which value" value={value} change={(value) => change({ value })} />
      </div>
      <div className="flex flex-wrap gap-2">
        <Confirm
          label="Export"
          disabled={value === ""}
          title="Export the data of this person?"
          text={`Every ${env} event whose payload holds this value at this path, as a file to download.`}
          action={ask("exports")}
        />
        <Confirm
          label="Erase"
          look="danger"
          disabled={value === ""}
          title="Erase the data of this person?"
          text={`Every ${env} event whose payload holds this value at this path, from every store. It can't be undone; a certificate says what was done.`}
          action={ask("erasures")}
        />
      </div>
    </div>
  );
}

export default function Privacy() {
  const [{ env, zone }] = useCommon();
  const may = useMay();
  return (
    <Page title="Privacy">
      <section className="grid gap-2" aria-label="What is collected">
        <h2 className="text-lg font-semibold">What is collected</h2>
        <p className="max-w-3xl text-sm">
          Events as you send them, for as long as you say below; who sent and read what, by key and minute; who signed
          in here, what they changed, and whose payloads they looked at.
        </p>
      </section>
      <section className="grid gap-2" aria-label="Usage analytics">
        <h2 className="text-lg font-semibold">Usage analytics</h2>
        <p className="max-w-3xl text-sm">
          You are opted out, and so is everybody: the console counts nothing of what you do, and sets no cookie but the
          one of your session. Nothing is sold or shared.
        </p>
      </section>
      <section className="grid gap-2" aria-label="Retention">
        <h2 className="text-lg font-semibold">Retention</h2>
        <Retention />
      </section>
      <section className="grid gap-2" aria-label="Masking">
        <h2 className="text-lg font-semibold">Masking</h2>
        <MaskingForm />
      </section>
      <section className="grid gap-2" aria-label="Requests">
        <h2 className="text-lg font-semibold">Requests of people</h2>
        {may("decide_privacy") ? <Ask /> : null}
        <List<PrivacyRequest>
          caption="Exports and erasures, newest first"
          source={{ path: "/privacy/requests", member: "requests", options: { env }, every: paceOfWork }}
          rowKey={({ request_id }) => request_id}
          below={({ certificate, request_id }) =>
            certificate === undefined ? null : (
              <Code label={`Certificate of ${request_id}`} text={JSON.stringify(certificate, null, 2)} />
            )
          }
          empty={<Empty title="Nobody has asked for an export or an erasure." />}
          columns={[
            { name: "Asked", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
            { name: "What", cell: ({ kind }) => kind },
            { name: "Status", cell: ({ status }) => <Status status={status} /> },
            {
              name: "So far",
              cell: ({ progress }) =>
                Object.entries(progress)
                  .map(([name, value]) => `${name.replaceAll("_", " ")} ${count(value)}`)
                  .join(", "),
            },
            {
              name: "Result",
              cell: ({ download_url, certificate }) =>
                download_url ? (
                  <a href={download_url}>Download</a>
                ) : certificate === undefined ? (
                  ""
                ) : (
                  "certificate below"
                ),
            },
          ]}
        />
      </section>
    </Page>
  );
}
