import { type ReactNode, useState } from "react";
import { count } from "../format.ts";
import { Button } from "./basic.tsx";

const AT_FIRST = 50;
const MORE = 200;

/** The first of many things that came in one answer, and a button for more: a page of thousands is slow to draw and to read. */
export function Some<T>({ of, children }: { of: readonly T[]; children: (shown: readonly T[]) => ReactNode }) {
  const [most, setMost] = useState(AT_FIRST);
  return (
    <>
      {children(of.slice(0, most))}
      {of.length <= most ? null : (
        <p className="mt-3 flex flex-wrap items-center gap-2 text-sm text-muted">
          <Button onPress={() => setMost(most + MORE)}>Show more</Button>
          {count(most)} of {count(of.length)} are shown.
        </p>
      )}
    </>
  );
}
