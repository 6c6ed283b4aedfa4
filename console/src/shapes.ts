import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call, type Environment } from "./api.ts";
import { useMay } from "./session.tsx";
import { joined, type Shape, shapeOf, shapeOfSchema } from "./shape.ts";
import type { Event, EventType } from "./types.ts";

const LOOKED_AT = 20;

/** The schema of an event type, as its customer put it. */
export type TypeSchema = Pick<EventType, "event_type" | "schema">;
const none: readonly TypeSchema[] = [];

/** The event types of a side that have a schema; none for who may not see them. */
export function useSchemas(env: Environment): readonly TypeSchema[] {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ["schemas", env],
    enabled: may("subscriptions"),
    staleTime: 60_000,
    retry: false,
    queryFn: ({ signal }) => call<{ event_types: TypeSchema[] }>("GET", "/event-types?limit=1000", { env, signal }),
  });
  return data?.event_types ?? none;
}

/** The schema of one event type, where it has one. */
export const schemaOf = (schemas: readonly TypeSchema[], type: string | undefined): unknown =>
  schemas.find(({ event_type }) => event_type === type)?.schema;

/**
 * The members that events of a type have: by its schema, and by the newest recorded ones once somebody wants to know, since each look at a
 * payload is recorded.
 * @returns with whether those of recorded events are still to come
 */
export function useShapes(
  type: string | undefined,
  env: Environment,
  recorded: boolean,
): readonly [shapes: readonly Shape[], moreComes: boolean] {
  const may = useMay();
  const look = recorded && may("payloads");
  const schemas = useSchemas(env);
  const { data, isFetching } = useQuery({
    queryKey: ["shapes", type, env],
    enabled: type !== undefined && type !== "" && look,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: async ({ signal }) => {
      const params = new URLSearchParams({ event_type: type!, limit: String(LOOKED_AT), acknowledged: "all" });
      const { events } = await call<{ events: Event[] }>("GET", `/inbox?${params}`, { env, signal });
      return shapeOf(events.map(({ payload }) => payload));
    },
  });
  const shapes = useMemo(
    () => joined([...shapeOfSchema(schemaOf(schemas, type)), ...(data ?? [])]),
    [data, schemas, type],
  );
  return [shapes, isFetching];
}

/** Event types that are known on a side: those with a schema, and those seen lately. */
export function useKnownTypes(env: Environment): readonly string[] {
  const schemas = useSchemas(env);
  const { data } = useQuery({
    queryKey: ["types of the newest", env],
    staleTime: 60_000,
    retry: false,
    queryFn: ({ signal }) =>
      call<{ events: Event[] }>("GET", "/inbox?limit=200&acknowledged=all", { env, signal, withoutPayloads: true }),
  });
  return useMemo(() => {
    const recorded = (data?.events ?? []).flatMap(({ event_type }) => event_type ?? []);
    return [...new Set([...schemas.map(({ event_type }) => event_type), ...recorded])].sort();
  }, [schemas, data]);
}
