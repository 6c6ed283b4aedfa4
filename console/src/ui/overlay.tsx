import { lazy, type ReactNode, Suspense, useState } from "react";
import { defined } from "../../../runtime/domain/defined.ts";
import { useDraft } from "../drafts.ts";
import { useWork, type Work } from "../work.ts";
import { Button, Failure, TextField } from "./basic.tsx";

const DialogBox = lazy(async () => ({ default: (await import("./popup.tsx")).DialogBox }));

export function Dialog({
  title,
  open,
  close,
  children,
  stays = false,
}: {
  title: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
  stays?: boolean;
}) {
  if (!open) return null;
  return (
    <Suspense fallback={null}>
      <DialogBox {...{ title, close, stays }} alert={false}>
        {children}
      </DialogBox>
    </Suspense>
  );
}

/** A dialog with fields to fill in, and what came of it when that failed. */
export function FormDialog({
  title,
  open,
  close,
  submit,
  look = "primary",
  work,
  run,
  more,
  children,
}: {
  title: string;
  open: boolean;
  close: () => void;
  /** Name of the button that does it. */
  submit: string;
  look?: "primary" | "danger";
  work: Work;
  run: () => Promise<unknown>;
  /** Further buttons. */
  more?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Dialog title={title} open={open} close={close}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          // A dialog is drawn elsewhere, but a form around its button would hear of it.
          event.stopPropagation();
          void run();
        }}
      >
        {children}
        {work.error === undefined ? null : <Failure error={work.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onPress={close}>Cancel</Button>
          {more}
          <Button type="submit" look={look} isPending={work.busy}>
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks before something is done that can't be taken back; says how many it concerns. */
export function Confirm({
  label,
  title,
  text,
  action,
  look = "plain",
  disabled = false,
  opened,
}: {
  label: string;
  title: string;
  text: ReactNode;
  action: () => Promise<unknown>;
  look?: "plain" | "primary" | "danger";
  disabled?: boolean;
  /** Finds out what the question needs to say. */
  opened?: () => Promise<unknown>;
}) {
  const [open, setOpen] = useState(false);
  const work = useWork();
  const asked = () => {
    setOpen(true);
    if (opened === undefined) work.forget();
    else void work.run(opened);
  };
  const run = async () => {
    if (await work.run(action)) setOpen(false);
  };
  return (
    <>
      <Button look={look} isDisabled={disabled} onPress={asked}>
        {label}
      </Button>
      <FormDialog
        title={title}
        open={open}
        close={() => setOpen(false)}
        submit={label}
        look={look === "danger" ? "danger" : "primary"}
        work={work}
        run={run}
      >
        <div className="text-sm">{text}</div>
      </FormDialog>
    </>
  );
}

/** A dialog with one line to write. */
export function Ask({
  label,
  title,
  field,
  type,
  action,
  hint,
  draft,
}: {
  label: string;
  title: string;
  field: string;
  /** Of the field. @default "text" */
  type?: "text" | "datetime-local";
  hint?: string;
  action: (value: string) => Promise<unknown>;
  /** What is asked about which object: what was written is kept by it. */
  draft: string;
}) {
  const [open, setOpen] = useState(false);
  const [value, setValue, drop] = useDraft(`answer ${draft}`, "");
  const work = useWork();
  const run = async () => {
    if (!(await work.run(() => action(value)))) return;
    setOpen(false);
    drop();
  };
  return (
    <>
      <Button onPress={() => setOpen(true)}>{label}</Button>
      <FormDialog title={title} open={open} close={() => setOpen(false)} submit={label} work={work} run={run}>
        <TextField label={field} hint={hint} {...defined({ type })} value={value} change={setValue} />
      </FormDialog>
    </>
  );
}
