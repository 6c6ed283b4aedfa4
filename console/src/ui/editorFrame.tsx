import type { ReactNode } from "react";
import { useMay } from "../session.tsx";
import type { Work } from "../work.ts";
import { Button, Failure } from "./basic.tsx";

/** The frame of a form that has a page of its own. `Preview` tries what is written; `Save` is there for those who may change it. */
export function EditorFrame({
  name,
  title,
  work,
  preview,
  save,
  note,
  actions,
  cancel,
  children,
}: {
  /** Accessible name of the form. */
  name: string;
  title: string;
  work: Work;
  preview: () => Promise<unknown>;
  save: () => Promise<unknown>;
  /** What became of it. */
  note?: ReactNode;
  /** Further buttons, for those who may change it. */
  actions?: ReactNode;
  cancel?: () => void;
  children: ReactNode;
}) {
  const may = useMay();
  return (
    <form
      className="card grid max-w-3xl gap-4"
      aria-label={name}
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(save);
      }}
    >
      <h2 className="font-semibold">{title}</h2>
      {children}
      {work.error === undefined ? null : <Failure error={work.error} />}
      {note}
      <div className="flex flex-wrap gap-2">
        <Button onPress={() => void work.run(preview)} isPending={work.busy}>
          {work.busy ? "Working…" : "Preview"}
        </Button>
        {may("watch") ? (
          <>
            <Button type="submit" look="primary" isPending={work.busy}>
              Save
            </Button>
            {actions}
          </>
        ) : null}
        {cancel === undefined ? null : (
          <Button look="quiet" onPress={cancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
