import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { errorCatalog } from "../../../runtime/domain/errors/errors.ts";
import { ApiError } from "../api.ts";
import { bytes, count, ms } from "../format.ts";
import { type Limit, limitNow } from "../limit.ts";
import type { Key } from "../types.ts";
import { Button, Code, Facts, Failure, Note, Sentence } from "../ui/basic.tsx";
import { keep } from "../url.ts";

/** What is sent, and as which key. */
export interface Sending {
  readonly body: string;
  readonly key: Key;
  /** Empty for none. */
  readonly idempotencyKey: string;
}

export interface Sent extends Sending {
  /** RFC 3339. */
  readonly at: string;
  readonly answeredAt: string;
  readonly url: string;
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly answer: string;
  readonly took: number;
}

/** A batch can have a thousand events. */
const SHOWN_IDS = 10;

/** Events that an answer names. */
export const idsIn = (body: string): string[] =>
  [...body.matchAll(/"event_id"\s*:\s*"(evt_[0-9A-Z]+)"/g)].map((match) => match[1]!);

/** Text of a message of HTTP. */
const message = (first: string, headers: readonly (readonly [string, string])[], body: string): string =>
  `${first}\n${headers.map(([name, value]) => `${name}: ${value}`).join("\n")}\n\n${body}`;

export function errorIn({ status, answer }: Pick<Sent, "status" | "answer">): ApiError | undefined {
  if (status < 400) return undefined;
  try {
    return new ApiError(status, (JSON.parse(answer) as { error: { code: string; message: string } }).error);
  } catch {
    return new ApiError(status, { code: "unavailable", message: "The answer is not the platform's." });
  }
}

/** What a refusal means and what to do, as the catalog says it. */
function ErrorHelp({ error }: { error: ApiError }) {
  const known = Object.hasOwn(errorCatalog, error.code)
    ? errorCatalog[error.code as keyof typeof errorCatalog]
    : undefined;
  return (
    <div className="grid gap-2">
      <Failure error={error} />
      {known === undefined ? null : (
        <Note title="What to do">
          <Sentence text={known.remedy} />{" "}
          {known.retryable ? "The same request can succeed later." : "The same request fails again."}
        </Note>
      )}
    </div>
  );
}

/** The limit of the key, as the last answer told it, with the time until it is free again. */
export function LimitDisplay({ limit }: { limit: Limit | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  if (limit === undefined) return null;
  const { remaining, seconds, tone } = limitNow(limit, Math.max(now, limit.at));
  return (
    <section aria-label="Rate limit" className="grid gap-2 text-sm">
      <p>
        Rate limit: <strong>{count(remaining)}</strong> of {count(limit.limit)} events of this second left,{" "}
        {seconds === 0 ? "all of it is free" : `free again in ${seconds} s`}.{" "}
        <Link href={keep("/usage")}>Use of the limit over time</Link>
      </p>
      {tone === "good" ? null : (
        <Note tone={tone}>
          {tone === "warn"
            ? "More than 80 % of this second's limit is used."
            : "The limit of this second is used up: what comes now is refused with 429 until it is free again."}
        </Note>
      )}
    </section>
  );
}

const headerOf = ({ headers }: Sent, name: string): string | undefined => headers.find(([each]) => each === name)?.[1];

/** What became of the last send, to stand where one has pressed the button. */
export function Became({ sent }: { sent: Sent | undefined }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (sent !== undefined) box.current?.scrollIntoView({ block: "nearest" });
  }, [sent]);
  const ids = sent === undefined ? [] : idsIn(sent.answer);
  const error = sent === undefined ? undefined : errorIn(sent);
  const to = (path: string) => keep(path, { env: sent!.key.environment });
  return (
    <div ref={box} role="status" className="grid gap-2">
      {sent === undefined ? null : error === undefined ? (
        <Note tone="good" title={`Accepted: ${sent.status}`}>
          {headerOf(sent, "idempotency-replayed") === "true" ? (
            <p>The answer of the first request with this idempotency key: nothing was sent twice.</p>
          ) : null}
          {ids.slice(0, SHOWN_IDS).map((id) => (
            <p key={id}>
              <Link href={to(`/events/${id}`)} className="mono">
                {id}
              </Link>
            </p>
          ))}
          {ids.length > SHOWN_IDS ? <p>and {count(ids.length - SHOWN_IDS)} more.</p> : null}
          <p>
            <Link href={to("/events")}>See what arrives</Link>
          </p>
        </Note>
      ) : (
        <ErrorHelp error={error} />
      )}
    </div>
  );
}

/** Request and response exactly as they were, with their times. */
export function Outcome({ sent, again, busy }: { sent: Sent; again: () => void; busy: boolean }) {
  return (
    <section aria-label="Request and response" className="grid gap-3">
      <Facts
        of={[
          ["Sent at", sent.at],
          ["Answered at", sent.answeredAt],
          ["Took", ms(sent.took)],
          ["Size", bytes(new Blob([sent.body]).size)],
          [
            "Request id",
            <span key="id" className="mono">
              {headerOf(sent, "x-request-id") ?? ""}
            </span>,
          ],
        ]}
      />
      <h3 className="font-medium">Request</h3>
      <Code label="Request" text={message(`POST ${sent.url}`, sent.requestHeaders, sent.body)} />
      <h3 className="font-medium">Response</h3>
      <Code label="Response" text={message(String(sent.status), sent.headers, sent.answer)} />
      <div>
        <Button isPending={busy} onPress={again}>
          Send again
        </Button>
      </div>
    </section>
  );
}
