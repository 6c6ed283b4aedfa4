import { useQuery } from "@tanstack/react-query";
import { SYSTEM_KEY } from "../../runtime/domain/identity/systemKey.ts";
import { call } from "./api.ts";
import { useMay, useSession } from "./session.tsx";
import type { Key } from "./types.ts";

/** A key's text as far as people may see it: its beginning and its last four characters. */
export const maskedKey = ({
  environment,
  key_id,
  last_four,
}: Pick<Key, "environment" | "key_id" | "last_four">): string =>
  `trg_${environment}_${key_id.replace("key_", "")}_…${last_four ?? ""}`;

const FRESH_MS = 60_000;

/** The name of a key by its id; the id itself for a key without a name, and for people who may not see keys. */
export function useKeyNames(): (id: string) => string {
  const may = useMay();
  const { person } = useSession();
  const keys = useQuery({
    queryKey: ["key names"],
    enabled: may("keys"),
    staleTime: FRESH_MS,
    queryFn: () => call<{ keys: Key[] }>("GET", "/keys?limit=1000"),
  });
  const names = new Map((keys.data?.keys ?? []).map(({ key_id, name }) => [key_id, name]));
  return (id) => {
    // Who sends from the console without a key does so in their own name.
    if (id === person.person_id) return "you, in the console";
    if (id === SYSTEM_KEY) return "the platform itself";
    return id.startsWith("psn_") ? `in the console, ${id}` : (names.get(id) ?? id);
  };
}
