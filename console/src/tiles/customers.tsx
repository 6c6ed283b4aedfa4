import { useInfiniteQuery } from "@tanstack/react-query";
import { call, queryOf } from "../api.ts";
import type { CustomerFigures } from "../types.ts";
import type { Preset } from "../url.ts";

/** What each customer did, side by side. */

export function useCustomers(last: Preset, every: number | false) {
  const query = useInfiniteQuery({
    queryKey: ["customer figures", last],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      call<{ customers: CustomerFigures[]; next_cursor: string | null }>(
        "GET",
        `/customers/figures${queryOf({ last, cursor: pageParam })}`,
        { signal },
      ),
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: every,
  });
  return { ...query, customers: (query.data?.pages ?? []).flatMap(({ customers }) => customers) };
}
