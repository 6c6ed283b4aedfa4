import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { ApiError } from "../api.ts";
import { Failure, Loading, When } from "./basic.tsx";

const NoteBox = lazy(async () => ({ default: (await import("./popup.tsx")).NoteBox }));

interface Asked {
  readonly isPending: boolean;
  readonly isError: boolean;
  /** There is nothing to show. */
  readonly isLoadingError: boolean;
  readonly error: unknown;
  /** Milliseconds. */
  readonly dataUpdatedAt: number;
  /** The shown figures answer the question before. */
  readonly isPlaceholderData?: boolean;
}

/** How much room a tile takes, of four columns. */
const widths = {
  one: "",
  wide: "sm:col-span-2",
  full: "sm:col-span-2 lg:col-span-4",
} as const;

/** A view of some figures, with its states: loading, failed, still of the question before, not filtered as the page is. */
export function Tile({
  title,
  asks,
  of,
  children,
  wide = false,
  width = wide ? "wide" : "one",
  reason,
}: {
  title: string;
  /** What it answers, as a question or a statement. */
  asks?: string;
  of: Asked;
  children: () => ReactNode;
  wide?: boolean;
  width?: keyof typeof widths;
  /** Why it does not show what the filters say: it is greyed then. */
  reason?: string | undefined;
}) {
  const late = of.isPlaceholderData === true;
  return (
    <section
      aria-label={title}
      aria-busy={late || of.isPending}
      className={`grid min-w-0 content-start gap-2 rounded-lg border p-4 ${widths[width]} ${reason === undefined ? "border-line bg-panel" : "border-dashed border-edge bg-sunk"}`}
    >
      <header className="min-h-9 pr-10">
        <h2 className="text-sm font-semibold">
          {title}
          {late ? <span className="font-normal text-muted"> · updating…</span> : null}
        </h2>
        {asks === undefined ? null : <p className="text-xs text-muted">{asks}</p>}
        {reason === undefined ? null : <p className="text-xs font-medium text-muted">{reason}</p>}
      </header>
      {of.isPending ? (
        <Loading />
      ) : of.isLoadingError ? (
        <Failure error={of.error instanceof ApiError ? of.error : new Error("The figures could not be read.")} />
      ) : (
        <>
          {of.isError ? (
            <p role="status" className="text-xs font-medium text-bad">
              From <When at={new Date(of.dataUpdatedAt).toISOString()} />: newer figures could not be read.
            </p>
          ) : null}
          {children()}
        </>
      )}
    </section>
  );
}

/** A number that tells how it is counted when it is pressed. */
export function Figure({ value, beside, formula }: { value: string; beside?: ReactNode; formula?: string }) {
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  return (
    <div>
      {formula === undefined ? (
        <span className="text-2xl font-semibold">{value}</span>
      ) : (
        <>
          <AriaButton
            ref={trigger}
            aria-expanded={open}
            onPress={() => {
              setAsked(true);
              setOpen(true);
            }}
            className="cursor-help text-left text-2xl font-semibold underline decoration-edge decoration-dotted decoration-1 underline-offset-4"
          >
            {value}
          </AriaButton>
          {asked ? (
            <Suspense fallback={null}>
              <NoteBox {...{ trigger, open, setOpen }} label="How it is counted">
                {formula}
              </NoteBox>
            </Suspense>
          ) : null}
        </>
      )}
      {beside === undefined ? null : <span className="block text-sm text-muted">{beside}</span>}
    </div>
  );
}
