import { useQuery } from "@tanstack/react-query";
import { ApiError, type CallOptions, call, type Environment, otherSide } from "./api.ts";

/**
 * One object by its id. A link says which object it means, and may not say on which side that is: where it is on the other one, the page
 * moves there.
 * @param move writes the other side into the URL
 * @param every milliseconds until it is looked up again
 */
export function useOnEitherSide<T>(
  path: string,
  env: Environment,
  move: (env: Environment) => void,
  {
    enabled = true,
    every = () => false,
    ...options
  }: CallOptions & { enabled?: boolean; every?: (found: T | undefined) => number | false } = {},
) {
  return useQuery({
    queryKey: ["one", path, env],
    enabled,
    refetchInterval: ({ state }) => every(state.data),
    queryFn: async () => {
      try {
        return await call<T>("GET", path, { ...options, env });
      } catch (cause) {
        const other = otherSide(env);
        if (!(cause instanceof ApiError) || cause.status !== 404) throw cause;
        const found = await call<T>("GET", path, { ...options, env: other }).catch(() => undefined);
        if (found === undefined) throw cause;
        move(other);
        return found;
      }
    },
  });
}
