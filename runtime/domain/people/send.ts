import type { Environment } from "../identity/identity.ts";
import type { Millis } from "../time.ts";

/** What a person sent from the composer: the request and its answer, as they are kept and listed. */
export interface Send {
  readonly send_id: string;
  readonly at: string;
  readonly environment: Environment;
  readonly key_id: string;
  readonly key_name: string | null;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** The body was no JSON, and too long to be shown whole: `body` is its beginning. */
    readonly body_cut?: true;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly body_cut?: true;
  };
  readonly duration_ms: Millis;
}
