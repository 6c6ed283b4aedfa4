import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call, type Environment } from "./api.ts";
import { useMay } from "./session.tsx";
import { joined, type Shape, shapeOf, shapeOfSchema } from "./shape.ts";
import type { Event } from "./types.ts";

const LOOKED_AT = 20;

interface Schemas {
  readonly event_types: readonly { readonly event_type: string; readonly schema: unknown }[];
}
const none: Schemas = { event_types: [] };

/**
 * The members that events of a type have: by its schema, and by the newest recorded ones once somebody wants to know, since each look at a
 * payload is recorded.
 */
export function useShapes(type: string | undefined, env: Environment, recorded: boolean): readonly Shape[] {
  const may = useMay();
  const look = recorded && may("payloads");
  const { data } = useQuery({
    queryKey: ["shapes", type, env, look],
    enabled: type !== undefined && type !== "" && may("subscriptions"),
    staleTime: Number.POSITIVE_INFINITY,
    // What the schema says stays while recorded events are on their way.
    placeholderData: (before: readonly Shape[] | undefined, asked) =>
      asked?.queryKey[1] === type ? before : undefined,
    retry: false,
    queryFn: async ({ signal }) => {
      const asked = { env, signal };
      const params = new URLSearchParams({ event_type: type!, limit: String(LOOKED_AT), acknowledged: "all" });
      const [{ event_types }, { events }] = await Promise.all([
        call<Schemas>("GET", "/event-types?limit=1000", asked).catch(() => none),
        look
          ? call<{ events: Event[] }>("GET", `/inbox?${params}`, asked).catch(() => ({ events: [] }))
          : { events: [] },
      ]);
      const schema = event_types.find(({ event_type }) => event_type === type)?.schema;
      return joined([...shapeOfSchema(schema), ...shapeOf(events.map(({ payload }) => payload))]);
    },
  });
  return useMemo(() => data ?? [], [data]);
}

/** Event types that are known on a side: those with a schema, and those seen lately. */
export function useKnownTypes(env: Environment): readonly string[] {
  const { data } = useQuery({
    queryKey: ["known types", env],
    staleTime: 60_000,
    retry: false,
    queryFn: async ({ signal }) => {
      const [schemas, recorded] = await Promise.all([
        call<Schemas>("GET", "/event-types?limit=1000", { env, signal }).catch(() => none),
        call<{ events: Event[] }>("GET", "/inbox?limit=200&acknowledged=all", {
          env,
          signal,
          withoutPayloads: true,
        }).catch(() => ({ events: [] })),
      ]);
      return [
        ...new Set([
          ...schemas.event_types.map(({ event_type }) => event_type),
          ...recorded.events.flatMap(({ event_type }) => (event_type === null ? [] : [event_type])),
        ]),
      ].sort();
    },
  });
  return data ?? [];
}
