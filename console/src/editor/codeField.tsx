import type { ReactNode } from "react";
import { lazy, Suspense, useId } from "react";
import type { EditorProps } from "./editor.tsx";

/** Loaded with the first page that has one. */
const Editor = lazy(() => import("./editor.tsx"));

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
      <Suspense fallback={<p className="field text-muted">Loading the editor…</p>}>
        <Editor {...of} labelledBy={`${id}-label`} describedBy={`${id}-hint`} />
      </Suspense>
      <p id={`${id}-hint`} className={`text-xs ${error === undefined ? "text-muted" : "text-bad"}`}>
        {error ?? hint}
      </p>
    </div>
  );
}
