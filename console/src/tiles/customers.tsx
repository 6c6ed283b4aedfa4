import { useInfiniteQuery } from "@tanstack/react-query";
import { call, queryOf } from "../api.ts";

/** What each customer did, side by side. */

export const lasts = ["1h", "24h", "7d", "30d"] as const;
export type Last = (typeof lasts)[number];

export interface CustomerFigures {
  readonly customer_id: string;
  readonly name: string;
  readonly limit_per_second: number;
  readonly requests: number;
  readonly events: number;
  readonly refused: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dead_lettered: number;
  readonly delivery_success_rate: number | null;
  readonly limit_use: number | null;
  readonly keys: number;
  readonly keys_never_used: number;
  readonly unused_keys: readonly {
    readonly key_id: string;
    readonly environment: string;
    readonly created_at: string;
  }[];
}

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
