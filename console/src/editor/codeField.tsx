import type { ReactNode } from "react";
import { lazy, Suspense, useId } from "react";
import type { EditorProps } from "./editor.tsx";

/** Loaded with the first page that has one. */
const Editor = lazy(() => import("./editor.tsx"));

/** The text as the editor will show it, so that nothing below moves when the editor is there. */
function Before({ text, lines }: { text: string; lines?: number | undefined }) {
  return (
    <pre
      className="max-h-[28rem] overflow-hidden rounded-md border border-edge bg-panel py-2 pr-1.5 pl-5 leading-normal whitespace-pre-wrap text-muted"
      style={{ minHeight: `calc(${lines} * 1.5em + 1rem)` }}
    >
      {text}
    </pre>
  );
}

/** A field to write code in, with its name, a hint, and what is wrong. */
export function CodeField({
  label,
  hint,
  error,
  ...of
}: Omit<EditorProps, "labelledBy" | "describedBy"> & { label: string; hint?: ReactNode; error?: string | undefined }) {
  const id = useId();
  return (
    <div className="grid gap-1">
      <span id={`${id}-label`} className="text-sm font-medium">
        {label}
      </span>
      <Suspense fallback={<Before text={of.value} lines={of.lines ?? 1} />}>
        <Editor {...of} labelledBy={`${id}-label`} describedBy={`${id}-hint`} />
      </Suspense>
      <p id={`${id}-hint`} className={`text-xs ${error === undefined ? "text-muted" : "text-bad"}`}>
        {error ?? hint}
      </p>
    </div>
  );
}
