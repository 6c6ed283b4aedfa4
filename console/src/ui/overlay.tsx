import { type ReactNode, useState } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Button, Failure, Field } from "./basic.tsx";

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
  return (
    <ModalOverlay
      isOpen={open}
      onOpenChange={(is) => {
        if (!is) close();
      }}
      isDismissable={!alert}
      className="fixed inset-0 z-40 grid place-items-center overflow-y-auto bg-black/50 p-4"
    >
      <Modal className="w-full max-w-lg rounded-lg border border-line bg-panel p-5 text-text shadow-xl">
        <AriaDialog role={alert ? "alertdialog" : "dialog"} className="grid gap-4 outline-none">
          <Heading slot="title" className="text-lg font-semibold">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
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
