import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import { useMay } from "../session.tsx";
import type { Subscription } from "../types.ts";
import { keep, useCommon } from "../url.ts";

const FRESH_MS = 60_000;

/** How many characters of an id tell it from others of the same name. */
const ENDING = 4;

/** The way to a subscription: what it starts and how its id ends, or its whole id where its owner has named nothing. */
export function SubscriptionLink({ id }: { id: string }) {
  const [{ env }] = useCommon();
  const may = useMay();
  const { data } = useQuery({
    queryKey: ["subscription names", env],
    enabled: may("subscriptions"),
    staleTime: FRESH_MS,
    retry: false,
    queryFn: ({ signal }) =>
      call<{ subscriptions: Subscription[] }>("GET", "/subscriptions?limit=1000", { env, signal }),
    select: ({ subscriptions }) =>
      new Map(subscriptions.map(({ subscription_id, workflow_id }) => [subscription_id, workflow_id])),
  });
  const name = data?.get(id);
  return (
    <Link href={keep(`/subscriptions/${id}`)} title={id}>
      {name === undefined || name === null ? (
        <span className="mono">{id}</span>
      ) : (
        <>
          <span className="font-medium">{name}</span>{" "}
          <span className="mono whitespace-nowrap">…{id.slice(-ENDING)}</span>
        </>
      )}
    </Link>
  );
}
