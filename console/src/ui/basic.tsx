import { type InputHTMLAttributes, type ReactNode, type Ref, useEffect, useId, useRef, useState } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components";
import { Link, useLocation } from "wouter";
import { ApiError } from "../api.ts";
import { ago, time } from "../format.ts";
import type { Delivery } from "../types.ts";

const looks = {
  primary: "bg-accent text-accent-text border-accent hover:opacity-90",
  plain: "bg-panel text-text border-edge hover:bg-sunk",
  quiet: "bg-transparent text-text border-transparent hover:bg-sunk",
  danger: "bg-panel text-bad border-bad hover:bg-bad-soft",
} as const;

const shape =
  "inline-flex min-h-9 cursor-pointer items-center justify-center gap-2 rounded-md border px-3 py-1.5 text-sm font-medium";

/** A link that looks as what it does: it opens something, so it can be opened beside. */
export function ActionLink({
  look = "plain",
  href,
  children,
  ...props
}: {
  look?: keyof typeof looks;
  href: string;
  children: ReactNode;
  "aria-label"?: string;
}) {
  return (
    <Link {...props} href={href} className={`${shape} no-underline ${looks[look]}`}>
      {children}
    </Link>
  );
}

export function Button({
  look = "plain",
  className = "",
  ...props
}: ButtonProps & { look?: keyof typeof looks; className?: string; ref?: Ref<HTMLButtonElement> }) {
  return (
    <AriaButton
      {...props}
      className={`${shape} disabled:cursor-not-allowed disabled:opacity-60 data-[pending]:cursor-progress data-[pending]:opacity-60 aria-pressed:border-accent aria-pressed:bg-accent-soft ${looks[look]} ${className}`}
    />
  );
}

const tones: Readonly<Record<string, string>> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  plain: "bg-sunk text-text",
};
const statuses: Readonly<Record<string, readonly [tone: string, mark: string]>> = {
  delivered: ["good", "✓"],
  succeeded: ["good", "✓"],
  active: ["good", "✓"],
  ok: ["good", "✓"],
  pending: ["info", "…"],
  running: ["info", "…"],
  invited: ["info", "…"],
  failed: ["warn", "↻"],
  disabled: ["warn", "‖"],
  dead_lettered: ["bad", "✕"],
  revoked: ["bad", "✕"],
  expired: ["bad", "✕"],
  cancelled: ["plain", "–"],
  unmatched: ["plain", "○"],
  firing: ["bad", "●"],
  critical: ["bad", "▲"],
  warning: ["warn", "△"],
  info: ["info", "i"],
  resolved: ["good", "✓"],
  verified: ["good", "✓"],
  "not verified": ["warn", "…"],
  matched: ["good", "✓"],
  "not matched": ["plain", "○"],
  "would receive it": ["good", "✓"],
  "would not": ["plain", "○"],
  accepted: ["good", "✓"],
  open: ["bad", "●"],
  acknowledged: ["info", "…"],
  live: ["plain", "●"],
  sandbox: ["info", "◌"],
};

/** A status in its colour, with a mark for those who see none. */
export function Status({ status }: { status: string }) {
  const [tone, mark] = statuses[status] ?? ["plain", "•"];
  return (
    <span
      className={`inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium whitespace-nowrap ${tones[tone]}`}
    >
      <span aria-hidden="true">{mark}</span>
      {status.replaceAll("_", " ")}
    </span>
  );
}

export function Note({ tone = "info", title, children }: { tone?: string; title?: string; children?: ReactNode }) {
  return (
    <div className={`rounded-md p-3 text-sm ${tones[tone]}`}>
      {title === undefined ? null : <p className="font-semibold">{title}</p>}
      {children}
    </div>
  );
}

/** What went wrong, and what to do about it. @param shownFrom when what is still shown was looked up, ms */
export function Failure({ error, retry, shownFrom }: { error: unknown; retry?: () => void; shownFrom?: number }) {
  const known = error instanceof ApiError ? error : undefined;
  return (
    <div role="alert" className={`rounded-md p-3 text-sm ${tones.bad}`}>
      <p className="font-semibold">{known?.message ?? (error as Error).message}</p>
      {known === undefined || known.details.length === 0 ? null : (
        <ul className="mt-1 list-disc pl-5">
          {known.details.map((detail, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: details have no name of their own
            <li key={index}>
              {detail.index === undefined ? "" : `event ${detail.index + 1}: `}
              {detail.path ? <code>{detail.path}</code> : null} {detail.message}
            </li>
          ))}
        </ul>
      )}
      {known === undefined ? null : (
        <p className="mt-1">
          <a className="text-bad" href={known.docs ?? `/docs/errors#${known.code}`} target="_blank" rel="noreferrer">
            {known.code}
          </a>
          {known.requestId === undefined ? null : <span className="mono"> · {known.requestId}</span>}
        </p>
      )}
      {shownFrom === undefined ? null : (
        <p className="mt-1">
          What stands here is from <When at={new Date(shownFrom).toISOString()} />.
        </p>
      )}
      {retry === undefined ? null : (
        <Button className="mt-2" onPress={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** The states that every view has before it has something to show. */
export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <p role="status" className="p-4 text-sm text-muted">
      {what}…
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="card text-center">
      <p className="font-semibold">{title}</p>
      <div className="mt-1 text-sm text-muted">{children}</div>
    </div>
  );
}

/** When, as it was, with how long ago beside it. */
export function When({ at, zone }: { at: string | null | undefined; zone?: string | undefined }) {
  if (at === null || at === undefined) return <span className="text-muted">never</span>;
  return (
    <time dateTime={at} title={`${at} · ${ago(at)}`} className="whitespace-nowrap max-md:whitespace-normal">
      {time(at, zone)}
    </time>
  );
}

/** When a delivery is tried next. Its time may have come: then it is being tried, or waits for what was before it. */
export function NextAttempt({
  at,
  status,
  zone,
}: {
  at: string | null;
  status: Delivery["status"];
  zone?: string | undefined;
}) {
  if (at === null) return status === "dead_lettered" ? "none: given up" : status === "failed" ? "soon" : "";
  return Date.parse(at) > Date.now() ? <When at={at} zone={zone} /> : <span title={at}>due now</span>;
}

export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: (ids: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": boolean | undefined;
  }) => ReactNode;
}) {
  const id = useId();
  const described = hint !== undefined || error !== undefined ? `${id}-hint` : undefined;
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": described, "aria-invalid": error === undefined ? undefined : true })}
      {described === undefined ? null : (
        <p id={described} className={`text-xs ${error === undefined ? "text-muted" : "text-bad"}`}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

/** A line of text to fill in. */
export function TextField({
  label,
  hint,
  error,
  mono = false,
  value,
  change,
  ...input
}: {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** For ids, codes and addresses. */
  mono?: boolean;
  value: string;
  change: (text: string) => void;
} & Pick<InputHTMLAttributes<HTMLInputElement>, "type" | "inputMode" | "maxLength" | "placeholder" | "required">) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <input
          {...ids}
          {...input}
          className={`field ${mono ? "mono" : ""}`}
          spellCheck={!mono}
          value={value}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Field>
  );
}

/** A box to tick, and what it stands for. */
export function Tick({
  checked,
  change,
  disabled = false,
  children,
}: {
  checked: boolean;
  change: (checked: boolean) => void;
  disabled?: boolean;
  children: ReactNode;
}) {
  return (
    <label className="flex min-h-6 items-center gap-2 text-sm">
      <input
        type="checkbox"
        className="size-5"
        disabled={disabled}
        checked={checked}
        onChange={(event) => change(event.target.checked)}
      />
      {children}
    </label>
  );
}

/** A box to tick for one member of a list: ticked while the list holds it. */
export function MemberTick<T>({
  list,
  member,
  change,
  ...rest
}: {
  list: readonly T[];
  member: T;
  change: (list: T[]) => void;
  disabled?: boolean;
  children: ReactNode;
}) {
  return (
    <Tick
      {...rest}
      checked={list.includes(member)}
      change={(checked) => change(checked ? [...list, member] : list.filter((each) => each !== member))}
    />
  );
}

/** The name of something that a customer keeps: it must have one, of at most 200 characters. */
export function NameField({ value, change }: { value: string; change: (name: string) => void }) {
  return <TextField label="Name" required maxLength={200} value={value} change={change} />;
}

/** A sentence of the platform's, with what stands between backquotes as code. */
export function Sentence({ text }: { text: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: parts have no name but their place
  return text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part));
}

/** Code or data to read and copy. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <figure className="relative m-0" aria-label={label}>
      {/* What scrolls can be reached by keyboard. */}
      <pre
        tabIndex={0}
        className="max-h-[32rem] overflow-auto rounded-md border border-line bg-sunk p-3 pr-20 text-left whitespace-pre-wrap"
      >
        {text}
      </pre>
      <div className="absolute top-1.5 right-1.5">
        <Copy text={text} what={label} />
      </div>
    </figure>
  );
}

function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <Button
      className="min-h-8 px-2 py-1 text-xs"
      aria-label={`Copy ${what}`}
      onPress={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
    >
      {done ? "Copied" : "Copy"}
    </Button>
  );
}

/** Pairs of a name and what it is. */
export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[fit-content(60%)_1fr] gap-x-4 gap-y-1.5 text-sm max-sm:grid-cols-1">
      {of.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 max-sm:mb-1">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Where one was before, and whether one has gone back: then the browser itself shows what one looked at. */
let before: string | undefined;
let back = false;
window.addEventListener("popstate", () => {
  back = true;
});
// The router tells of its own steps by events of these names.
for (const name of ["pushState", "replaceState"])
  window.addEventListener(name, () => {
    back = false;
  });

export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const [path] = useLocation();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Triggers`;
  }, [title]);
  // Another page begins at its top, and keys go on from there.
  useEffect(() => {
    // The page that one has left waits, hidden, until the next one is loaded.
    if (heading.current?.checkVisibility() !== true) return;
    const came = before !== undefined && before !== path;
    before = path;
    if (!came) return;
    heading.current.focus({ preventScroll: true });
    if (!back) window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className="grid gap-4">
      <header className="flex flex-wrap items-center justify-between gap-2">
        <h1 ref={heading} tabIndex={-1} className="text-2xl font-semibold outline-none">
          {title}
        </h1>
        <div className="flex flex-wrap gap-2">{actions}</div>
      </header>
      {children}
    </div>
  );
}
