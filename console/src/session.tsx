import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useRef, useState } from "react";
import { ApiError, callText, onSessionEnd } from "./api.ts";
import { dropDrafts, dropDraftsOfOthers } from "./drafts.ts";
import type { Session } from "./types.ts";
import { Failure, Loading } from "./ui/basic.tsx";

/** Who is signed in, for how long, and what happens when that ends: nothing that was being written is lost. */

/** The platform may be away when the end comes near: this is loaded long before. */
const loadEnding = () => import("./ui/ending.tsx");
const Ending = lazy(loadEnding);

const Context = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(Context);
  if (session === undefined) throw new Error("this stands inside of a session alone");
  return session;
}

export const useMay = () => {
  const { permissions } = useSession();
  return (permission: string): boolean => permissions.includes(permission);
};

/** The page is being left: what its calls find out meanwhile changes nothing about where to. */
let leaving = false;

/** To the page where one signs in, and back to where one was. */
function toSignIn(why: string): void {
  if (leaving) return;
  leaving = true;
  const here = `${window.location.pathname}${window.location.search}`;
  if (window.location.pathname === "/console/sign-in") return;
  window.location.assign(`/console/sign-in?ended=${why}&return_to=${encodeURIComponent(here)}`);
}

export async function signOut(): Promise<void> {
  leaving = true;
  await callText("DELETE", "/session").catch((cause: unknown) => {
    leaving = false;
    throw cause;
  });
  dropDrafts();
  window.location.assign("/console/sign-in?ended=signed_out");
}

const WARN_MS = 120_000;
/** Long after the first paint, long before the first warning. */
const LOAD_MS = 60_000;
const EXTEND_EVERY_MS = 30_000;
/** Where the tabs of a browser, which share a session, tell each other that it goes on. */
const EXTENDED = "session extended";
const GESTURES = ["pointerdown", "keydown", "wheel", "touchmove"] as const;

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: ["session"],
    queryFn: async () => {
      const session = JSON.parse(await callText("GET", "/session")) as Session;
      dropDraftsOfOthers(session.person.person_id);
      return session;
    },
    staleTime: Number.POSITIVE_INFINITY,
    // Another tab may have signed in as somebody else meanwhile, or have moved to another customer.
    refetchOnWindowFocus: "always",
  });
  const [left, setLeft] = useState(Number.POSITIVE_INFINITY);
  const extendedAt = useRef(Date.now());
  const signedIn = data !== undefined;
  useEffect(() => {
    const timer = setTimeout(() => void loadEnding().catch(() => {}), LOAD_MS);
    return () => clearTimeout(timer);
  }, []);
  // By how long it lasts, not by when it ends: the clocks of the two machines may differ by more than a session is long.
  const ends =
    data === undefined ? Number.POSITIVE_INFINITY : dataUpdatedAt + Date.parse(data.expires_at) - Date.parse(data.now);
  /** It has lasted as long as any may: no gesture makes it longer. */
  const atLongest = data !== undefined && data.expires_at === data.ends_at;

  const seen = useRef<string>(undefined);
  const whose = data === undefined ? undefined : `${data.person.person_id} ${data.customer_id}`;
  useEffect(() => {
    if (seen.current !== undefined && seen.current !== whose) window.location.reload();
    seen.current = whose;
  }, [whose]);
  useEffect(() => onSessionEnd(() => toSignIn("ended")), []);
  useEffect(() => {
    if (error instanceof ApiError && error.status === 401) toSignIn("none");
  }, [error]);

  const others = useRef<BroadcastChannel>(undefined);
  useEffect(() => {
    const channel = new BroadcastChannel(EXTENDED);
    channel.onmessage = () => void refetch();
    others.current = channel;
    return () => channel.close();
  }, [refetch]);

  const extend = async () => {
    extendedAt.current = Date.now();
    const session = JSON.parse(await callText("POST", "/session/extend")) as Session;
    client.setQueryData(["session"], session);
    others.current?.postMessage(session.expires_at);
  };

  // A gesture is activity; a request that the page makes by itself is not.
  useEffect(() => {
    if (!signedIn) return;
    const gesture = () => {
      if (Date.now() - extendedAt.current > EXTEND_EVERY_MS) void extend().catch(() => {});
    };
    for (const name of GESTURES) window.addEventListener(name, gesture, { passive: true });
    return () => {
      for (const name of GESTURES) window.removeEventListener(name, gesture);
    };
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const remaining = ends - Date.now();
      setLeft(remaining);
      if (remaining <= 0) toSignIn(atLongest ? "longest" : "idle");
    }, 1_000);
    return () => clearInterval(timer);
  }, [ends, atLongest]);

  if (data === undefined) {
    const refused = error instanceof ApiError && error.status === 401;
    return error === null || refused ? <Loading /> : <Failure error={error} retry={() => void refetch()} />;
  }
  return (
    <Context value={data}>
      {children}
      {left < WARN_MS && left > 0 ? (
        <Suspense fallback={null}>
          <Ending {...{ left, atLongest, extend, signOut }} />
        </Suspense>
      ) : null}
    </Context>
  );
}
