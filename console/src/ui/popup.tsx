import type { ReactNode, RefObject } from "react";
import { Dialog as AriaDialog, Heading, Menu, MenuItem, Modal, ModalOverlay, Popover } from "react-aria-components";

/** What stands above the page for a while. Loaded when the first of them opens: most visits open none. */

export function DialogBox({
  title,
  close,
  children,
  alert,
  stays = false,
}: {
  title: string;
  close: () => void;
  children: ReactNode;
  alert: boolean;
  /** A press beside it does not close it: what it shows is shown this once. */
  stays?: boolean;
}) {
  return (
    <ModalOverlay
      isOpen
      onOpenChange={(is) => {
        if (!is) close();
      }}
      isDismissable={!alert && !stays}
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

interface Above {
  readonly trigger: RefObject<HTMLElement | null>;
  readonly open: boolean;
  readonly setOpen: (is: boolean) => void;
  readonly label: string;
}

export function MenuBox({
  trigger,
  open,
  setOpen,
  label,
  head,
  choices,
  choose,
}: Above & {
  head: ReactNode;
  choices: readonly (readonly [value: string, name: string])[];
  choose: (value: string) => void;
}) {
  return (
    <Popover
      triggerRef={trigger}
      isOpen={open}
      onOpenChange={setOpen}
      className="z-40 rounded-md border border-line bg-panel p-1 text-sm text-text shadow-lg"
    >
      {head}
      <Menu
        aria-label={label}
        autoFocus="first"
        className="outline-none"
        onClose={() => setOpen(false)}
        onAction={(key) => {
          setOpen(false);
          choose(String(key));
        }}
      >
        {choices.map(([value, name]) => (
          <MenuItem
            key={value}
            id={value}
            className="cursor-pointer rounded px-3 py-2 outline-none data-[focused]:bg-sunk"
          >
            {name}
          </MenuItem>
        ))}
      </Menu>
    </Popover>
  );
}

export function NoteBox({ trigger, open, setOpen, label, children }: Above & { children: ReactNode }) {
  return (
    <Popover
      triggerRef={trigger}
      isOpen={open}
      onOpenChange={setOpen}
      className="z-40 max-w-xs rounded-md border border-line bg-panel p-3 text-sm text-text shadow-lg"
    >
      <AriaDialog aria-label={label} className="outline-none">
        {children}
      </AriaDialog>
    </Popover>
  );
}
