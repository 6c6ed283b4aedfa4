import { lazy, type ReactNode, Suspense, useId, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { callText } from "../api.ts";
import { type Place, places } from "../places.ts";
import { useAway } from "../reach.ts";
import { signOut, useMay, useSession } from "../session.tsx";
import { Button, When } from "../ui/basic.tsx";
import { Choices } from "../ui/menu.tsx";
import { Dialog } from "../ui/overlay.tsx";
import { anyText, keep, useUrl } from "../url.ts";
import { Palette } from "./palette.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { Watch } from "./watch.tsx";

/** Loaded when somebody opens it. */
const Documentation = lazy(() => import("../help/drawer.tsx"));
/** Which part of the documentation is open; none when it is closed. */
const own = { docs: anyText };

const groups = ["Look", "Do", "Manage", "Platform"] as const;

/** As many as fit beside each other on the narrowest phone, and the way to all others. */
const IN_BAR = 5;
/** Letters as small as on the bars of phones themselves, so that six names stand beside each other on 320 px in a wide font too. */
const BAR_TEXT = "text-[0.65rem]! px-0.5!";
/** Of these, the places of a phone's bottom bar, in its order. */
const inBar = (shown: readonly Place[]): readonly Place[] =>
  shown
    .filter(({ phone }) => phone !== undefined)
    .sort((a, b) => a.phone! - b.phone!)
    .slice(0, IN_BAR);

function NavLink({
  place,
  className,
  current,
  short,
}: {
  place: Place;
  className: string;
  current: boolean;
  /** What the link shows, where its name is too long. */
  short?: string | undefined;
}) {
  return (
    <Link
      href={keep(place.path)}
      aria-current={current ? "page" : undefined}
      aria-label={short === undefined ? undefined : place.name}
      className={`rounded-md px-3 py-1.5 text-sm text-text no-underline hover:bg-sunk ${current ? "bg-accent-soft font-semibold" : ""} ${className}`}
    >
      {short ?? place.name}
    </Link>
  );
}

/** The longest place that the path is in. */
function placeAt(path: string, all: readonly Place[]): Place | undefined {
  const within = all.filter((place) => path === place.path || path.startsWith(`${place.path}/`));
  return within.sort((a, b) => b.path.length - a.path.length)[0];
}

export function Shell({ children }: { children: ReactNode }) {
  const [path, navigate] = useLocation();
  const session = useSession();
  const may = useMay();
  const [{ env, docs, zone }, set] = useUrl(own);
  const away = useAway();
  const helpButton = useRef<HTMLButtonElement>(null);
  const [more, setMore] = useState(false);
  const [palette, setPalette] = useState(false);
  const id = useId();
  const shown = places.filter(
    ({ hidden, permission }) => hidden !== true && (permission === undefined || may(permission)),
  );
  const here = placeAt(path, shown);
  const toggleDocs = () => set({ docs: docs === undefined ? "reference" : undefined });
  useShortcuts({ places: shown, openPalette: () => setPalette(true), openDocs: toggleDocs });

  const switchCustomer = async (customer: string) => {
    await callText("POST", "/session/customer", { body: { customer_id: customer } });
    // A page of the other customer keeps nothing of this one.
    window.location.assign(`/console${keep("/")}`);
  };

  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13rem_1fr]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:bg-panel focus:p-2"
      >
        Skip to the content
      </a>
      <nav
        aria-label="Main"
        className="sticky top-0 hidden h-dvh flex-col gap-4 overflow-y-auto border-r border-line bg-panel p-3 md:flex"
      >
        <Link href={keep("/")} className="px-3 text-lg font-bold text-text no-underline">
          Triggers
        </Link>
        {groups.map((group) => {
          const of = shown.filter((place) => place.group === group);
          return of.length === 0 ? null : (
            <div key={group} className="grid gap-0.5">
              <p className="px-3 text-xs font-medium text-muted">{group}</p>
              {of.map((place) => (
                <NavLink key={place.path} place={place} className="" current={place === here} />
              ))}
            </div>
          );
        })}
      </nav>
      <div className={`min-w-0 max-md:pb-16 ${docs === undefined ? "" : "xl:pr-[28rem]"}`}>
        <header className="sticky top-0 z-20 flex flex-wrap items-center gap-2 border-b border-line bg-panel px-4 py-2 max-sm:gap-1 max-sm:px-3 text-sm">
          {session.customers.length > 1 ? (
            <>
              <label className="sr-only" htmlFor={`${id}-customer`}>
                Customer
              </label>
              <select
                id={`${id}-customer`}
                className="field w-auto max-w-44 max-sm:max-w-24"
                value={session.customer_id}
                onChange={(event) => void switchCustomer(event.target.value)}
              >
                {session.customers.map(({ customer_id, name }) => (
                  <option key={customer_id} value={customer_id}>
                    {name}
                  </option>
                ))}
              </select>
            </>
          ) : (
            <span className="max-w-60 truncate font-semibold max-sm:hidden">{session.customer_name}</span>
          )}
          <label className="sr-only" htmlFor={`${id}-env`}>
            Environment
          </label>
          <select
            id={`${id}-env`}
            className={`field w-auto font-semibold ${env === "sandbox" ? "bg-info-soft text-info" : ""}`}
            value={env}
            onChange={(event) => set({ env: event.target.value }, false)}
          >
            <option value="live">Live</option>
            <option value="sandbox">Sandbox</option>
          </select>
          <span className="grow" />
          {/* A phone has the same under More. */}
          <Button
            look="plain"
            className="max-sm:hidden"
            onPress={() => setPalette(true)}
            aria-keyshortcuts="Control+K Meta+K"
          >
            Go to… <kbd className="text-xs text-muted">Ctrl K</kbd>
          </Button>
          <Watch key={env} />
          <Button
            ref={helpButton}
            aria-expanded={docs !== undefined}
            aria-describedby={`${id}-help`}
            onPress={toggleDocs}
          >
            ?
          </Button>
          <span id={`${id}-help`} className="sr-only">
            Documentation of this page
          </span>
          <span className="text-muted max-lg:hidden">{session.person.name}</span>
          <Choices
            label="Account"
            head={
              <p className="px-3 py-2 text-muted">
                {session.person.email}
                <br />
                {session.role} in {session.customer_name}
              </p>
            }
            choices={[
              ["settings", "Settings"],
              ["out", "Sign out"],
            ]}
            choose={(what) => (what === "out" ? void signOut() : navigate(keep("/settings")))}
          />
        </header>
        <div role="status">
          {away === undefined ? null : (
            <p className="border-b border-line bg-bad-soft px-4 py-1 text-sm text-bad">
              The platform can't be reached. What you see is from <When at={new Date(away).toISOString()} zone={zone} />
              ; it is looked up again by itself.
            </p>
          )}
        </div>
        {env === "sandbox" ? (
          <p className="border-b border-line bg-info-soft px-4 py-1 text-sm text-info">
            Sandbox: events, subscriptions and deliveries here are kept apart from what is live.
          </p>
        ) : null}
        <main id="content" className="mx-auto max-w-6xl p-4">
          {children}
        </main>
      </div>
      <nav
        aria-label="Main"
        className="fixed inset-x-0 bottom-0 z-30 flex flex-wrap border-t border-line bg-panel md:hidden"
      >
        {inBar(shown).map((place) => (
          <NavLink
            key={place.path}
            place={place}
            short={place.short}
            className={`grow rounded-none py-3 text-center whitespace-nowrap ${BAR_TEXT}`}
            current={place === here}
          />
        ))}
        <Button look="quiet" className={`grow rounded-none ${BAR_TEXT}`} onPress={() => setMore(true)}>
          More
        </Button>
      </nav>
      <Dialog title="Go to" open={more} close={() => setMore(false)}>
        <ul className="grid gap-1">
          {shown.map((place) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the link inside is what keyboards reach
            <li key={place.path} onClick={() => setMore(false)}>
              <NavLink place={place} className="block" current={place === here} />
            </li>
          ))}
        </ul>
        <Button onPress={() => setMore(false)}>Close</Button>
      </Dialog>
      {docs === undefined ? null : (
        <Suspense fallback={null}>
          <Documentation
            close={() => {
              set({ docs: undefined });
              helpButton.current?.focus();
            }}
          />
        </Suspense>
      )}
      {palette ? <Palette places={shown} close={() => setPalette(false)} /> : null}
    </div>
  );
}
