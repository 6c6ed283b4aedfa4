import { useEffect, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { otherSide } from "../api.ts";
import type { Place } from "../places.ts";
import { signOut } from "../session.tsx";
import { Dialog } from "../ui/overlay.tsx";
import { keep, useCommon } from "../url.ts";

interface Command {
  readonly name: string;
  readonly run: () => void;
}

/** Goes anywhere by typing: a place, or an event, subscription or delivery by its id. */
export function Palette({ places, close }: { places: readonly Place[]; close: () => void }) {
  const [, navigate] = useLocation();
  const [{ env }, set] = useCommon();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const go = (path: string) => () => navigate(keep(path));
  const wanted = text.trim();
  const byId: Command[] = [
    ...(wanted.startsWith("evt_") ? [{ name: `Event ${wanted}`, run: go(`/events/${wanted}`) }] : []),
    ...(wanted.startsWith("sub_") ? [{ name: `Subscription ${wanted}`, run: go(`/subscriptions/${wanted}`) }] : []),
    ...(wanted.startsWith("dlv_")
      ? [{ name: `Delivery ${wanted}`, run: () => navigate(keep("/deliveries", { open: wanted })) }]
      : []),
  ];
  const other = otherSide(env);
  const commands: Command[] = [
    ...places.map(({ name, path }) => ({ name, run: go(path) })),
    { name: `Switch to ${other}`, run: () => set({ env: other }, false) },
    { name: "Sign out", run: () => void signOut() },
  ];
  const found = [...byId, ...commands.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()))].slice(
    0,
    12,
  );
  const chosen = Math.min(at, Math.max(0, found.length - 1));
  const run = (command: Command | undefined) => {
    close();
    command?.run();
  };
  const field = useRef<HTMLInputElement>(null);
  // Who types at once, before the box is loaded, loses no letter.
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (field.current !== null || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key.length === 1) setText((before) => before + event.key);
      else if (event.key === "Enter") run(found[chosen]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    window.addEventListener("keydown", press, true);
    return () => window.removeEventListener("keydown", press, true);
  });
  return (
    <Dialog title="Go to" open close={close}>
      <label className="sr-only" htmlFor={id}>
        Search places and ids
      </label>
      <input
        id={id}
        ref={field}
        autoFocus
        className="field"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length === 0 ? undefined : `${id}-${chosen}`}
        placeholder="A place, evt_… or sub_…"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, found.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") run(found[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Places" className="grid max-h-80 gap-0.5 overflow-y-auto">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled where one types
          <li
            key={command.name}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            tabIndex={-1}
            className={`cursor-pointer rounded px-3 py-2 text-sm ${index === chosen ? "bg-accent-soft" : ""}`}
            onClick={() => run(command)}
          >
            {command.name}
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p className="text-sm text-muted">Nothing has this name.</p> : null}
    </Dialog>
  );
}
