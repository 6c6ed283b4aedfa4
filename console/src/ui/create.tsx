import { type ReactNode, useState } from "react";
import { useWork, type Work } from "../work.ts";
import { Button, Code, Note } from "./basic.tsx";
import { Dialog, FormDialog } from "./overlay.tsx";

/** A button with a form behind it, whose last step makes something. What can be seen just once is shown before the form closes. */
export function Create<Made>({
  label,
  title,
  submit = "Create",
  look = "primary",
  make,
  made: shown,
  done,
  more,
  children,
}: {
  /** Of the button that opens the form. */
  label: string;
  title: string;
  submit?: string;
  look?: "plain" | "primary";
  make: () => Promise<Made>;
  /** What is shown of it; without this the form closes at once. */
  made?: (made: Made) => ReactNode;
  /** Told the new object, once the form is closed. */
  done?: (made: Made) => void;
  /** Further buttons of the form. */
  more?: (work: Work) => ReactNode;
  /** The fields; a function is told what went wrong, to say it beside one of them. */
  children: ReactNode | ((work: Work) => ReactNode);
}) {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<Made>();
  const work = useWork();
  const close = () => {
    setOpen(false);
    setMade(undefined);
    work.forget();
    if (made !== undefined) done?.(made);
  };
  const run = () =>
    work.run(async () => {
      const result = await make();
      if (shown !== undefined) return setMade(result);
      setOpen(false);
      done?.(result);
    });
  return (
    <>
      <Button look={look} onPress={() => setOpen(true)}>
        {label}
      </Button>
      {made === undefined || shown === undefined ? (
        <FormDialog title={title} open={open} close={close} submit={submit} work={work} run={run} more={more?.(work)}>
          {typeof children === "function" ? children(work) : children}
        </FormDialog>
      ) : (
        <Dialog title={title} open={open} close={close} stays>
          {shown(made)}
          <div className="flex justify-end">
            <Button look="primary" onPress={close}>
              Done
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Texts that the platform tells this once: keys and secrets. */
export function ShownOnce({
  title,
  texts,
  children,
}: {
  title: string;
  texts: readonly (readonly [label: string, text: string])[];
  children?: ReactNode;
}) {
  return (
    <Note tone="warn" title={title}>
      {children}
      {texts.map(([label, text]) => (
        <Code key={label} label={label} text={text} />
      ))}
    </Note>
  );
}
