import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { ApiError, call, type ErrorDetail, pretty, send } from "../api.ts";
import { bytes, ms } from "../format.ts";
import { useDraft } from "../session.tsx";
import { languages, snippet } from "../snippets.ts";
import { firstBody, templates } from "../templates.ts";
import type { Key } from "../types.ts";
import { Button, Code, Empty, Facts, Failure, Field, Loading, Note, Page, Status } from "../ui/basic.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { anyText, keep, oneOf, useUrl } from "../url.ts";

const own = {
  tab: oneOf(["json", "form", "template"], "json"),
  key: anyText,
  code: oneOf(languages, "curl"),
};

interface DryRun {
  readonly results: readonly {
    readonly valid: boolean;
    readonly errors?: readonly ErrorDetail[];
    readonly subscriptions: readonly {
      readonly subscription_id: string;
      readonly matched: boolean;
      readonly because?: string;
      readonly request?: { readonly headers: Readonly<Record<string, string>>; readonly body: string };
    }[];
  }[];
}

interface Sent {
  readonly at: string;
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly requestBody: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly took: number;
}

const DEBOUNCE_MS = 500;

function useDebounced<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** Where a JSON text stops being one, in words. */
function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

const usable = (key: Key): boolean => key.status === "active" && key.scopes.includes("events:write");

interface Row {
  readonly name: string;
  readonly kind: "text" | "number" | "yes or no" | "JSON";
  readonly value: string;
}

/** The members of an object as rows to fill in; undefined for what is no object. */
function rowsOf(text: string): readonly Row[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return Object.entries(value).map(([name, member]): Row => {
      if (typeof member === "string") return { name, kind: "text", value: member };
      if (typeof member === "number") return { name, kind: "number", value: String(member) };
      if (typeof member === "boolean") return { name, kind: "yes or no", value: String(member) };
      return { name, kind: "JSON", value: JSON.stringify(member) };
    });
  } catch {
    return undefined;
  }
}

function textOf(rows: readonly Row[]): string {
  const members = rows
    .filter(({ name }) => name !== "")
    .map(({ name, kind, value }) => {
      const text =
        kind === "text" ? JSON.stringify(value) : faultOf(value) === undefined ? value : JSON.stringify(value);
      return `  ${JSON.stringify(name)}: ${text}`;
    });
  return `{\n${members.join(",\n")}\n}`;
}

function Form({ text, change }: { text: string; change: (text: string) => void }) {
  const rows = rowsOf(text);
  if (rows === undefined)
    return (
      <Empty title="The form fills in one event.">The text is no JSON object: correct it, or choose a template.</Empty>
    );
  const set = (index: number, changes: Partial<Row>) =>
    change(textOf(rows.map((row, at) => (at === index ? { ...row, ...changes } : row))));
  return (
    <div className="grid gap-2">
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row's name is what is being written
        <fieldset key={index} className="grid gap-2 sm:grid-cols-[1fr_8rem_2fr_auto]">
          <legend className="sr-only">Member {index + 1}</legend>
          <input
            aria-label="Name"
            className="field"
            value={row.name}
            onChange={(event) => set(index, { name: event.target.value })}
          />
          <select
            aria-label="Kind"
            className="field"
            value={row.kind}
            onChange={(event) =>
              set(index, {
                kind: event.target.value as Row["kind"],
                value: event.target.value === "yes or no" ? "true" : row.value,
              })
            }
          >
            {["text", "number", "yes or no", "JSON"].map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
          {row.kind === "yes or no" ? (
            <select
              aria-label="Value"
              className="field"
              value={row.value}
              onChange={(event) => set(index, { value: event.target.value })}
            >
              <option value="true">yes</option>
              <option value="false">no</option>
            </select>
          ) : (
            <input
              aria-label="Value"
              className="field"
              value={row.value}
              onChange={(event) => set(index, { value: event.target.value })}
            />
          )}
          <Button
            aria-label={`Remove ${row.name}`}
            onPress={() => change(textOf(rows.filter((_, at) => at !== index)))}
          >
            Remove
          </Button>
        </fieldset>
      ))}
      <div>
        <Button
          onPress={() => change(textOf([...rows, { name: `member_${rows.length + 1}`, kind: "text", value: "" }]))}
        >
          Add a member
        </Button>
      </div>
    </div>
  );
}

function Receivers({ dry }: { dry: DryRun }) {
  const many = dry.results.length > 1;
  return (
    <div className="grid gap-3">
      {dry.results.map((result, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place in the request is what names an event here
        <div key={index} className="grid gap-2">
          {many ? <p className="font-medium">Event {index + 1}</p> : null}
          {result.valid ? null : (
            <Note tone="bad" title="This event would be refused.">
              <ul className="list-disc pl-5">
                {(result.errors ?? []).map((error) => (
                  <li key={`${error.path} ${error.message}`}>
                    <code>{error.path}</code> {error.message}
                  </li>
                ))}
              </ul>
            </Note>
          )}
          {result.valid && result.subscriptions.length === 0 ? (
            <p className="text-sm text-muted">There is no subscription on this side, so nobody would receive it.</p>
          ) : null}
          <ul className="grid gap-2">
            {[...result.subscriptions]
              .sort((a, b) => Number(b.matched) - Number(a.matched))
              .map(({ subscription_id, matched, because, request }) => (
                <li key={subscription_id} className="rounded-md border border-line p-2 text-sm">
                  <p>
                    <Status status={matched ? "would receive it" : "would not"} />{" "}
                    <Link href={keep(`/subscriptions/${subscription_id}`)} className="mono">
                      {subscription_id}
                    </Link>
                  </p>
                  {because === undefined ? null : <p className="text-muted">{because}</p>}
                  {request === undefined ? null : (
                    <details>
                      <summary className="cursor-pointer">What it would receive</summary>
                      <Code label="Body" text={pretty(request.body)} />
                    </details>
                  )}
                </li>
              ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function Outcome({ sent, again, env }: { sent: Sent; again: () => void; env: string }) {
  const ids = [...sent.body.matchAll(/"event_id"\s*:\s*"(evt_[0-9A-Z]+)"/g)].map((match) => match[1]!).slice(0, 20);
  const error = (() => {
    if (sent.status < 400) return undefined;
    try {
      return new ApiError(sent.status, (JSON.parse(sent.body) as { error: { code: string; message: string } }).error);
    } catch {
      return new ApiError(sent.status, { code: "unavailable", message: "The answer is not the platform's." });
    }
  })();
  return (
    <section aria-label="Request and response" className="grid gap-3">
      <div role="status" className="grid gap-2">
        {error === undefined ? (
          <Note tone="good" title={`Accepted: ${sent.status}`}>
            {ids.map((id) => (
              <p key={id}>
                <Link href={keep(`/events/${id}`, { env })} className="mono">
                  {id}
                </Link>
              </p>
            ))}
          </Note>
        ) : (
          <Failure error={error} />
        )}
      </div>
      <Facts
        of={[
          ["Sent at", sent.at],
          ["Took", ms(sent.took)],
          ["Size", bytes(new Blob([sent.requestBody]).size)],
          [
            "Request id",
            <span key="id" className="mono">
              {sent.headers.find(([name]) => name === "x-request-id")?.[1] ?? ""}
            </span>,
          ],
          [
            "Limit left",
            `${sent.headers.find(([name]) => name === "ratelimit-remaining")?.[1] ?? "?"} of ${sent.headers.find(([name]) => name === "ratelimit-limit")?.[1] ?? "?"} this second`,
          ],
        ]}
      />
      <h3 className="font-medium">Request</h3>
      <Code
        label="Request"
        text={`POST /events\n${sent.requestHeaders.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${sent.requestBody}`}
      />
      <h3 className="font-medium">Response</h3>
      <Code
        label="Response"
        text={`${sent.status}\n${sent.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${pretty(sent.body)}`}
      />
      <div>
        <Button onPress={again}>Send again</Button>
      </div>
    </section>
  );
}

export default function Send() {
  const [state, set] = useUrl(own);
  const [text, setText, dropText] = useDraft("send", firstBody);
  const [idempotencyKey, setIdempotencyKey] = useDraft("send idempotency key", "");
  const [busy, setBusy] = useState(false);
  const [sent, setSent] = useState<Sent>();
  const [failure, setFailure] = useState<unknown>();
  const keys = useQuery({
    queryKey: ["keys for sending"],
    queryFn: () => call<{ keys: Key[] }>("GET", "/keys?limit=1000"),
  });
  const choices = (keys.data?.keys ?? [])
    .filter(usable)
    .sort((a, b) => (a.environment === b.environment ? 0 : a.environment === "sandbox" ? -1 : 1));
  const chosen = choices.find(({ key_id }) => key_id === state.key) ?? choices[0];
  const env = chosen?.environment ?? "sandbox";
  const fault = faultOf(text);
  const settled = useDebounced(text);
  const dry = useQuery({
    queryKey: ["dry run", settled, chosen?.key_id],
    enabled: chosen !== undefined && faultOf(settled) === undefined,
    retry: false,
    queryFn: ({ signal }) =>
      call<DryRun>("POST", "/events/dry-run", {
        env,
        body: settled,
        headers: { "x-triggers-key-id": chosen?.key_id },
        signal,
      }),
  });
  const invalid =
    dry.data?.results.flatMap(({ errors = [] }, index) => errors.map((error) => ({ ...error, index }))) ?? [];
  const complaint =
    fault ??
    (dry.error instanceof ApiError
      ? [dry.error.message, ...dry.error.details.map(({ path = "", message }) => `${path} ${message}`)].join(" · ")
      : undefined) ??
    (invalid.length > 0 ? invalid.map(({ path, message }) => `${path} ${message}`).join(" · ") : undefined);

  const sendNow = async (body: string) => {
    setBusy(true);
    setFailure(undefined);
    const began = performance.now();
    const at = new Date().toISOString();
    try {
      const headers = {
        "x-triggers-key-id": chosen?.key_id,
        "idempotency-key": idempotencyKey === "" ? undefined : idempotencyKey,
      };
      const answer = await send("POST", "/api/events", { env, body, headers });
      setSent({
        at,
        requestHeaders: [
          ["authorization", `Bearer trg_${env}_${(chosen?.key_id ?? "").replace("key_", "")}_…`],
          ["content-type", "application/json"],
          ...(idempotencyKey === "" ? [] : ([["idempotency-key", idempotencyKey]] as const)),
        ],
        requestBody: body,
        status: answer.status,
        headers: [...answer.headers].filter(([name]) =>
          /^(content-type|x-request-id|ratelimit-|retry-after|idempotency-|triggers-)/.test(name),
        ),
        body: answer.text,
        took: performance.now() - began,
      });
    } catch (cause) {
      setFailure(cause);
    }
    setBusy(false);
  };

  if (keys.isPending)
    return (
      <Page title="Send an event">
        <Loading />
      </Page>
    );
  return (
    <Page title="Send an event" actions={<Link href={keep("/send/history")}>Sent events of the last 24 h</Link>}>
      {keys.isError ? <Failure error={keys.error} /> : null}
      <div className="grid gap-6 lg:grid-cols-2">
        <section aria-label="Event" className="grid content-start gap-4">
          {env === "live" ? (
            <Note tone="bad" title="This is live.">
              What you send is delivered to your subscribers, and counts for your bill.
            </Note>
          ) : (
            <Note>Sandbox: what you send stays apart from what is live.</Note>
          )}
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label="API key" hint="You act as this key: its side, its limit. Its secret stays where it is.">
              {(ids) => (
                <select
                  {...ids}
                  className="field"
                  value={chosen?.key_id ?? ""}
                  onChange={(event) => set({ key: event.target.value })}
                >
                  {choices.map((key) => (
                    <option key={key.key_id} value={key.key_id}>
                      {key.environment}: {key.name ?? key.key_id}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Idempotency key" hint="Optional. A repeat within 24 h answers what the first one answered.">
              {(ids) => (
                <input
                  {...ids}
                  className="field mono"
                  value={idempotencyKey}
                  maxLength={255}
                  onChange={(event) => setIdempotencyKey(event.target.value)}
                />
              )}
            </Field>
          </div>
          {choices.length === 0 ? (
            <Note tone="warn">
              No active key may send events. <Link href={keep("/keys")}>Make one</Link>.
            </Note>
          ) : null}
          <Tabs
            label="How to write the event"
            selected={state.tab}
            select={(tab) => set({ tab })}
            tabs={[
              {
                id: "json",
                name: "JSON",
                body: () => (
                  <Field
                    label="Payload"
                    error={complaint}
                    hint="One object, or an array of up to 1,000 of them. Checked by the platform while you type."
                  >
                    {(ids) => (
                      <textarea
                        {...ids}
                        spellCheck={false}
                        rows={16}
                        className="field mono"
                        value={text}
                        onChange={(event) => setText(event.target.value)}
                      />
                    )}
                  </Field>
                ),
              },
              { id: "form", name: "Form", body: () => <Form text={text} change={setText} /> },
              {
                id: "template",
                name: "Template",
                body: () => (
                  <ul className="grid gap-2">
                    {templates.map(({ name, says, body }) => (
                      <li key={name}>
                        <Button
                          className="w-full justify-start text-left"
                          onPress={() => {
                            setText(JSON.stringify(body, null, 2));
                            set({ tab: "json" });
                          }}
                        >
                          <span>
                            {name}
                            <span className="block text-xs font-normal text-muted">{says}</span>
                          </span>
                        </Button>
                      </li>
                    ))}
                  </ul>
                ),
              },
            ]}
          />
          {state.tab === "json" || complaint === undefined ? null : <p className="text-sm text-bad">{complaint}</p>}
          <div className="flex flex-wrap gap-2">
            <Button onPress={() => void dry.refetch()} isDisabled={fault !== undefined || chosen === undefined}>
              Try
            </Button>
            <Button
              look="primary"
              isDisabled={busy || fault !== undefined || chosen === undefined}
              onPress={() => void sendNow(text)}
            >
              {busy ? "Sending…" : "Send event"}
            </Button>
            <Button look="quiet" onPress={dropText}>
              Begin anew
            </Button>
          </div>
          <section aria-label="Who would receive it" className="grid gap-2">
            <h2 className="text-lg font-semibold">Who would receive it</h2>
            {dry.isFetching ? <p className="text-sm text-muted">Trying…</p> : null}
            {dry.data === undefined ? (
              <p className="text-sm text-muted">Nothing is stored or sent by trying.</p>
            ) : (
              <Receivers dry={dry.data} />
            )}
          </section>
        </section>
        <section aria-label="What happened" className="grid min-w-0 content-start gap-4">
          {failure === undefined ? null : <Failure error={failure} />}
          {sent === undefined ? (
            <Empty title="Nothing is sent yet.">Request and answer stand here, exactly as they were.</Empty>
          ) : (
            <Outcome sent={sent} env={env} again={() => void sendNow(sent.requestBody)} />
          )}
          <h2 className="text-lg font-semibold">The same in code</h2>
          <Tabs
            label="Language"
            selected={state.code}
            select={(code) => set({ code })}
            tabs={languages.map((language) => ({
              id: language,
              name: language,
              body: () => (
                <Code
                  label={language}
                  text={snippet(language, { url: window.location.origin, body: text, idempotencyKey })}
                />
              ),
            }))}
          />
        </section>
      </div>
    </Page>
  );
}
