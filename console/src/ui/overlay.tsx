import { lazy, type ReactNode, Suspense, useState } from "react";
import { Button, Failure, Field } from "./basic.tsx";

const DialogBox = lazy(async () => ({ default: (await import("./popup.tsx")).DialogBox }));

/** Loads what dialogs are drawn with, before one is needed: it may be needed when the platform is away. */
export const loadDialogs = (): Promise<unknown> => import("./popup.tsx").catch(() => {});

export function Dialog({
  title,
  open,
  close,
  children,
  alert = false,
}: {
  title: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
  alert?: boolean;
}) {
  if (!open) return null;
  return (
    <Suspense fallback={null}>
      <DialogBox title={title} close={close} alert={alert}>
        {children}
      </DialogBox>
    </Suspense>
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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
      setOpen(false);
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };
  return (
    <>
      <Button
        look={look}
        isDisabled={disabled}
        onPress={() => {
          setOpen(true);
          setError(undefined);
          void opened?.().catch(setError);
        }}
      >
        {label}
      </Button>
      <Dialog title={title} open={open} close={() => setOpen(false)}>
        <div className="text-sm">{text}</div>
        {error === undefined ? null : <Failure error={error} />}
        <div className="flex justify-end gap-2">
          <Button onPress={() => setOpen(false)}>Cancel</Button>
          <Button look={look === "plain" ? "primary" : look} isDisabled={busy} onPress={() => void run()}>
            {label}
          </Button>
        </div>
      </Dialog>
    </>
  );
}

/** A dialog with one line to write. */
export function Ask({
  label,
  title,
  field,
  action,
  hint,
}: {
  label: string;
  title: string;
  field: string;
  hint?: string;
  action: (value: string) => Promise<unknown>;
}) {
  const [open, setOpen] = useState(false);
  const [value, setValue] = useState("");
  const [error, setError] = useState<unknown>();
  const run = async () => {
    try {
      await action(value);
      setOpen(false);
      setValue("");
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <>
      <Button onPress={() => setOpen(true)}>{label}</Button>
      <Dialog title={title} open={open} close={() => setOpen(false)}>
        <form
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <Field label={field} hint={hint}>
            {(ids) => (
              <input {...ids} className="field" value={value} onChange={(event) => setValue(event.target.value)} />
            )}
          </Field>
          {error === undefined ? null : <Failure error={error} />}
          <div className="flex justify-end gap-2">
            <Button onPress={() => setOpen(false)}>Cancel</Button>
            <Button type="submit" look="primary">
              {label}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
