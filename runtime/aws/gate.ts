import { TriggersError } from "../domain/errors/errors.ts";
import type { Peppers } from "../domain/identity/apiKey.ts";
import { IDENTITY_HEADER, PATH_HEADER, REQUEST_ID_HEADER, SEAL_HEADER } from "../domain/identity/identity.ts";
import { PepperCache } from "../domain/identity/pepperCache.ts";
import { holds, versionIn } from "../domain/identity/seal.ts";
import type { Millis } from "../domain/time.ts";

type Headers = Readonly<Record<string, string | undefined>>;

/** Where requests come into an origin: who calls is believed only under the edge's seal. */
export interface Gate {
  /** Reads the peppers, so that the first request need not. Never rejects. */
  ready(): Promise<void>;
  /**
   * The headers. An identity without a valid seal is removed, as if the request had come from a stranger.
   * @throws TriggersError `unavailable` when seals can't be checked, because the peppers were never read; and when a seal is
   * right but old, such as after a clock was set: the key is good, so 401 would be wrong
   */
  pass(method: string, headers: Headers): Promise<Headers>;
}

/** @param read the value of the pepper secret */
export function gate(read: () => Promise<string>, now: () => Millis): Gate {
  const peppers = new PepperCache({ read: async () => JSON.parse(await read()) as Peppers, now });
  return {
    ready: () =>
      peppers.get().then(
        () => undefined,
        () => undefined,
      ),
    async pass(method, headers) {
      const identity = headers[IDENTITY_HEADER];
      if (identity === undefined) return headers;
      const seal = headers[SEAL_HEADER] ?? "";
      const sealed = {
        requestId: headers[REQUEST_ID_HEADER] ?? "",
        method,
        path: headers[PATH_HEADER] ?? "",
        identity,
      };
      const known = await peppers.get(versionIn(seal)).catch((cause: unknown) => {
        throw new TriggersError("unavailable", "Who calls can't be verified.", {
          headers: { "retry-after": "1" },
          cause,
        });
      });
      const held = holds(seal, sealed, known, now());
      if (held === true) return headers;
      if (held === "late")
        throw new TriggersError("unavailable", "The request was too long on its way. Nothing was done.", {
          headers: { "retry-after": "1" },
        });
      const { [IDENTITY_HEADER]: _, ...nobody } = headers;
      return nobody;
    },
  };
}
