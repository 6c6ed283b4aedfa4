import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { Button } from "./basic.tsx";

const MenuBox = lazy(async () => ({ default: (await import("./popup.tsx")).MenuBox }));

/** A button that asks which. */
export function Choices({
  label,
  choices,
  choose,
  head,
  children = label,
  ...button
}: {
  label: string;
  choices: readonly (readonly [value: string, name: string])[];
  choose: (value: string) => void;
  /** Stands above the choices. */
  head?: ReactNode;
  /** What the button shows, where that is not its name. */
  children?: ReactNode;
  look?: "plain" | "quiet";
  className?: string;
}) {
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  return (
    <>
      <Button
        {...button}
        ref={trigger}
        {...(children === label ? {} : { "aria-label": label })}
        aria-haspopup="menu"
        aria-expanded={open}
        onPress={() => {
          setAsked(true);
          setOpen(true);
        }}
      >
        {children}
      </Button>
      {asked ? (
        <Suspense fallback={null}>
          <MenuBox {...{ trigger, open, setOpen, label, head, choices, choose }} />
        </Suspense>
      ) : null}
    </>
  );
}
