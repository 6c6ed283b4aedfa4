import type { ReactNode } from "react";
import { Link } from "wouter";
import { places } from "../places.ts";
import { useMay } from "../session.tsx";
import { keep } from "../url.ts";

/** Whether a place is open to the person who is signed in. */
export function useIsOpen(): (path: string) => boolean {
  const may = useMay();
  return (path) => {
    const permission = places.find((place) => place.path === path)?.permission;
    return permission === undefined || may(permission);
  };
}

/** The way to a place; the words alone for people to whom it is closed. @param query of the place's URL */
export function Way({
  to,
  query,
  children,
}: {
  to: string;
  query?: Readonly<Record<string, string>>;
  children: ReactNode;
}) {
  return useIsOpen()(to) ? <Link href={keep(to, query)}>{children}</Link> : children;
}
