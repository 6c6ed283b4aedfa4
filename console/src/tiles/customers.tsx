import { useInfiniteQuery } from "@tanstack/react-query";
import { call, queryOf } from "../api.ts";
import type { CustomerFigures } from "../types.ts";

/** What each customer did, side by side. */

export const lasts = ["1h", "24h", "7d", "30d"] as const;
export type Last = (typeof lasts)[number];

export function useCustomers(last: Last, every: number | false) {
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
