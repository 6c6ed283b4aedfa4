import type { ReactNode } from "react";
import { ApiError } from "../api.ts";
import { Failure, Loading } from "./basic.tsx";

interface Asked {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
}

/** A view of some figures, with its states. */
export function Tile({
  title,
  of,
  children,
  wide = false,
}: {
  title: string;
  of: Asked;
  children: () => ReactNode;
  wide?: boolean;
}) {
  return (
    <section aria-label={title} className={`card grid content-start gap-2 ${wide ? "sm:col-span-2" : ""}`}>
      <h2 className="text-sm font-medium text-muted">{title}</h2>
      {of.isPending ? (
        <Loading />
      ) : of.isError ? (
        <Failure error={of.error instanceof ApiError ? of.error : new Error("The figures could not be read.")} />
      ) : (
        children()
      )}
    </section>
  );
}

export function Figure({ value, beside }: { value: string; beside?: string }) {
  return (
    <p>
      <span className="text-2xl font-semibold">{value}</span>
      {beside === undefined ? null : <span className="block text-sm text-muted">{beside}</span>}
    </p>
  );
}
