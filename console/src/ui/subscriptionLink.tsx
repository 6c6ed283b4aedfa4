import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import { useMay } from "../session.tsx";
import type { Subscription } from "../types.ts";
import { keep, useCommon } from "../url.ts";

const FRESH_MS = 60_000;

/** How many characters of an id tell it from others of the same name. */
const ENDING = 4;

/** The subscriptions whose names are known, at most the thousand that one answer holds; none for a role that may not see them. */
export function useNamed() {
  const [{ env }] = useCommon();
  const may = useMay();
  return useQuery({
    queryKey: ["subscription names", env],
    enabled: may("subscriptions"),
    staleTime: FRESH_MS,
    retry: false,
    queryFn: ({ signal }) =>
      call<{ subscriptions: Subscription[]; next_cursor: string | null }>("GET", "/subscriptions?limit=1000", {
        env,
        signal,
      }),
    select: ({ subscriptions, next_cursor }) => ({
      names: new Map(subscriptions.map(({ subscription_id, workflow_id }) => [subscription_id, workflow_id])),
      all: next_cursor === null,
    }),
  });
}

/** How an id ends, which tells it from others of the same name. */
export const endingOf = (id: string): string => `…${id.slice(-ENDING)}`;

/** The way to a subscription: what it starts and how its id ends, or its whole id where its owner has named nothing. */
export function SubscriptionLink({ id }: { id: string }) {
  const name = useNamed().data?.names.get(id);
  return (
    <Link href={keep(`/subscriptions/${id}`)} title={id}>
      {name === undefined || name === null ? (
        <span className="mono">{id}</span>
      ) : (
        <>
          <span className="font-medium">{name}</span> <span className="mono whitespace-nowrap">{endingOf(id)}</span>
        </>
      )}
    </Link>
  );
}
