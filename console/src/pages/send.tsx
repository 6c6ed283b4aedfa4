import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { type ApiError, call, type Environment, send } from "../api.ts";
import { useDebounced } from "../debounced.ts";
import { useDraft } from "../drafts.ts";
import { CodeField } from "../editor/codeField.tsx";
import { type PlacedDetail, placeOfDetail } from "../editor/jsonText.ts";
import { offerJson } from "../editor/offers.ts";
import { faultOf, skeletonOf } from "../eventForm.ts";
import { maskedKey } from "../keyNames.ts";
import { type Limit, limitIn } from "../limit.ts";
import { schemaOf, useKnownTypes, useSchemas, useShapes } from "../shapes.ts";
import { snippet } from "../snippets.ts";
import { firstBody, templates } from "../templates.ts";
import type { DryRun, Key } from "../types.ts";
import { Button, Code, Empty, Failure, Field, Loading, Note, Page } from "../ui/basic.tsx";
import { Choice } from "../ui/filters.tsx";
import { LanguageTabs } from "../ui/languageTabs.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { anyText, keep, oneOf, useUrl } from "../url.ts";
import { useWork } from "../work.ts";
import { Form } from "./sendForm.tsx";
import { Became, errorIn, LimitDisplay, Outcome, type Sending, type Sent } from "./sendOutcome.tsx";
import { Receivers } from "./sendReceivers.tsx";

const own = {
  tab: oneOf(["json", "form", "template"], "json"),
  key: anyText,
};

const DEBOUNCE_MS = 400;
/** A try that failed is done again, for as long as its text stands there. */
const TRY_AGAIN_MS = 5_000;

const usable = (key: Key): boolean => key.status === "active" && key.scopes.includes("events:write");

/** The type of the event that is being written; of a batch that of the first. */
function typeIn(text: string): string | undefined {
  return /"event_type"\s*:\s*"([^"\\]{1,256})"/.exec(text)?.[1];
}

interface Tried {
  readonly status: number;
  readonly results: DryRun | undefined;
  readonly error: ApiError | undefined;
  readonly limit: Limit | undefined;
  /** The text that was tried. */
  readonly text: string;
}

/** Everything that is wrong with a text, by the platform's own check. */
function faultsOf({ results, error, text }: Tried): PlacedDetail[] {
  if (error !== undefined)
    return error.details.length === 0 ? [{ message: error.message, path: "" }] : [...(error.details as PlacedDetail[])];
  const batch = text.trimStart().startsWith("[");
  return (results?.results ?? []).flatMap(({ errors = [] }, index) =>
    errors.map((each) => (batch ? { ...each, index } : each)),
  );
}

const inWords = ({ index, path = "", message, line, column }: PlacedDetail): string =>
  [
    ...(index === undefined ? [] : [`event ${index + 1}`]),
    ...(path === "" ? [] : [path]),
    ...(line === undefined ? [] : [`line ${line}, column ${column}`]),
    message,
  ].join(" ");

function Templates({ known, take }: { known: readonly string[]; take: (text: string, type?: string) => void }) {
  const [type, setType] = useState<string>();
  return (
    <div className="grid gap-3">
      <ul className="grid gap-2">
        {templates.map(({ name, says, body }) => (
          <li key={name}>
            <Button className="w-full justify-start text-left" onPress={() => take(JSON.stringify(body, null, 2))}>
              <span>
                {name}
                <span className="block text-xs font-normal text-muted">{says}</span>
              </span>
            </Button>
          </li>
        ))}
      </ul>
      {known.length === 0 ? null : (
        <div className="flex flex-wrap items-end gap-2">
          <Choice
            label="Of your own types"
            any="Choose one"
            values={known.map((each) => [each, each] as const)}
            value={type}
            choose={setType}
          />
          <Skeleton type={type} take={take} />
        </div>
      )}
    </div>
  );
}

function Skeleton({ type, take }: { type: string | undefined; take: (text: string) => void }) {
  const [state] = useUrl(own);
  const [shapes, moreComes] = useShapes(type, state.env, true);
  return (
    <Button isDisabled={type === undefined || moreComes} onPress={() => take(skeletonOf(type!, shapes))}>
      Use its members
    </Button>
  );
}

/** Writes an event, tries it while it is written, sends it, and says exactly what happened. */
export default function Send() {
  const [state, set] = useUrl(own);
  const [text, setText, dropText] = useDraft("send", firstBody);
  const [idempotencyKey, setIdempotencyKey] = useDraft("send idempotency key", "");
  const work = useWork();
  const [sent, setSent] = useState<Sent>();
  const [sentLimit, setSentLimit] = useState<Limit>();
  const keys = useQuery({
    queryKey: ["keys for sending"],
    queryFn: () => call<{ keys: Key[] }>("GET", "/keys?limit=1000"),
  });
  const choices = (keys.data?.keys ?? [])
    .filter(usable)
    .sort((a, b) => (a.environment === b.environment ? 0 : a.environment === "sandbox" ? -1 : 1));
  const chosen = choices.find(({ key_id }) => key_id === state.key) ?? choices[0];
  const env = chosen?.environment ?? "sandbox";
  // The page's environment is the key's: one sends and looks on the same side. A person who switches it gets a key of the other.
  const seen = useRef<Environment>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what counts is that one of the two has changed
  useEffect(() => {
    if (chosen === undefined) return;
    const switched = seen.current !== undefined && seen.current !== state.env;
    seen.current = state.env;
    if (chosen.environment === state.env) return;
    const other = switched ? choices.find(({ environment }) => environment === state.env) : undefined;
    if (other === undefined) set({ env: chosen.environment });
    else set({ key: other.key_id });
  }, [chosen?.key_id, state.env]);
  const fault = faultOf(text);
  const settled = useDebounced(text, DEBOUNCE_MS);
  const known = useKnownTypes(env);
  const schemas = useSchemas(env);
  const [recorded, setRecorded] = useState(false);
  const [shapes, shapesCome] = useShapes(typeIn(settled), env, recorded);
  const moreComes = shapesCome || settled !== text;
  const offer = useMemo(() => offerJson(shapes, known), [shapes, known]);
  const dry = useQuery({
    queryKey: ["dry run", settled, chosen?.key_id],
    enabled: chosen !== undefined && settled.trim() !== "",
    retry: false,
    queryFn: async ({ signal }): Promise<Tried> => {
      const answer = await send("POST", "/api/events/dry-run", {
        env,
        body: settled,
        headers: { "x-triggers-key-id": chosen?.key_id },
        signal,
      });
      const error = errorIn({ status: answer.status, answer: answer.text });
      return {
        status: answer.status,
        error,
        results: error === undefined ? (JSON.parse(answer.text) as DryRun) : undefined,
        limit: limitIn(answer.headers, Date.now()),
        text: settled,
      };
    },
    refetchInterval: ({ state }) => (state.status === "error" ? TRY_AGAIN_MS : false),
  });
  const tried = dry.data?.text === text ? dry.data : undefined;
  const wrong = tried === undefined ? [] : faultsOf(tried);
  const complaint =
    wrong.length > 0 ? wrong.slice(0, 5).map(inWords).join(" · ") : tried === undefined ? fault : undefined;
  const batch = text.trimStart().startsWith("[");
  const faults = wrong.map((each) => ({ ...placeOfDetail(text, each, batch), message: inWords(each) }));
  const limits = [dry.data?.limit, sentLimit].filter((limit) => limit !== undefined);
  const limit = limits.sort((a, b) => b.at - a.at)[0];

  const sendNow = async (sending: Sending) => {
    const { body, key, idempotencyKey } = sending;
    const began = performance.now();
    const at = new Date().toISOString();
    const headers = {
      "x-triggers-key-id": key.key_id,
      "idempotency-key": idempotencyKey === "" ? undefined : idempotencyKey,
    };
    const answer = await send("POST", "/api/events", { env: key.environment, body, headers });
    setSentLimit(limitIn(answer.headers, Date.now()));
    setSent({
      ...sending,
      at,
      answeredAt: new Date().toISOString(),
      url: `${window.location.origin}/events`,
      requestHeaders: [
        ["authorization", `Bearer ${maskedKey(key)}`],
        ["content-type", "application/json"],
        ...(idempotencyKey === "" ? [] : ([["idempotency-key", idempotencyKey]] as const)),
      ],
      status: answer.status,
      headers: [...answer.headers],
      answer: answer.text,
      took: performance.now() - began,
    });
  };
  const take = (body: string) => {
    setText(body);
    set({ tab: "json" });
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
        <section aria-label="Event" className="grid min-w-0 content-start gap-4">
          {env === "live" ? (
            <Note tone="bad" title="This is live.">
              What you send is delivered to your subscribers, and counts for your bill.
            </Note>
          ) : null}
          <div className="grid items-start gap-3 sm:grid-cols-2">
            <Choice
              label="API key"
              any={null}
              hint="You act as this key: its side, its limit. Its secret stays where it is."
              values={choices.map((key) => [key.key_id, `${key.environment}: ${key.name ?? key.key_id}`] as const)}
              value={chosen?.key_id}
              choose={(key) => set({ key })}
            />
            <Field label="Idempotency key" hint="Optional. A repeat within 24 h answers what the first one answered.">
              {(ids) => (
                <span className="flex gap-2">
                  <input
                    {...ids}
                    className="field mono"
                    value={idempotencyKey}
                    maxLength={255}
                    onChange={(event) => setIdempotencyKey(event.target.value)}
                  />
                  <Button aria-label="New idempotency key" onPress={() => setIdempotencyKey(crypto.randomUUID())}>
                    New
                  </Button>
                </span>
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
            tabs={[
              {
                id: "json",
                name: "JSON",
                body: () => (
                  <CodeField
                    label="Payload"
                    language="json"
                    lines={14}
                    value={text}
                    change={setText}
                    faults={faults}
                    offer={offer}
                    askForMore={recorded ? undefined : () => setRecorded(true)}
                    moreComes={moreComes}
                    error={complaint}
                    hint="One object, or an array of up to 1,000 of them. Checked by the platform while you type; Ctrl Space offers members."
                  />
                ),
              },
              {
                id: "form",
                name: "Form",
                body: () => (
                  <Form
                    text={text}
                    change={setText}
                    schemaOf={(type) => schemaOf(schemas, type)}
                    types={known}
                    faults={wrong}
                  />
                ),
              },
              { id: "template", name: "Template", body: () => <Templates known={known} take={take} /> },
            ]}
          />
          {state.tab !== "template" || complaint === undefined ? null : <p className="text-sm text-bad">{complaint}</p>}
          <div className="flex flex-wrap gap-2">
            <Button onPress={() => void dry.refetch()} isDisabled={chosen === undefined}>
              Try
            </Button>
            <Button
              look="primary"
              isDisabled={chosen === undefined}
              isPending={work.busy}
              onPress={() => void work.run(() => sendNow({ body: text, key: chosen!, idempotencyKey }))}
            >
              {work.busy ? "Sending…" : "Send event"}
            </Button>
            <Button look="quiet" onPress={dropText}>
              Begin anew
            </Button>
          </div>
          <Became sent={sent} />
          {work.error === undefined ? null : <Failure error={work.error} />}
          <LimitDisplay limit={limit} />
          <section aria-label="Who would receive it" className="grid gap-2">
            <h2 className="text-lg font-semibold">Who would receive it</h2>
            {dry.isFetching ? <p className="text-sm text-muted">Trying…</p> : null}
            {dry.isError ? <Failure error={dry.error} /> : null}
            {dry.data?.results === undefined ? (
              <p className="text-sm text-muted">
                {dry.data?.error === undefined
                  ? "Nothing is stored or sent by trying."
                  : "It would be refused: what is wrong stands where it is written."}
              </p>
            ) : (
              <Receivers dry={dry.data.results} />
            )}
          </section>
        </section>
        <section aria-label="What happened" className="grid min-w-0 content-start gap-4">
          {sent === undefined ? (
            <Empty title="Nothing is sent yet.">Request and answer stand here, exactly as they were.</Empty>
          ) : (
            <Outcome sent={sent} busy={work.busy} again={() => void work.run(() => sendNow(sent))} />
          )}
          <h2 className="text-lg font-semibold">The same in code</h2>
          <LanguageTabs label="Language">
            {(language) => (
              <Code
                label={language}
                text={snippet(language, { url: window.location.origin, body: text, idempotencyKey })}
              />
            )}
          </LanguageTabs>
        </section>
      </div>
    </Page>
  );
}
