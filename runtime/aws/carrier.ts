/**
 * Another way for signed calls than the network. Where functions are threads beside the services they call, as on one machine, the thread
 * puts a carrier here before it loads them; in AWS there is none, and calls go over HTTPS. The call is the same, signature
 * included (docs/decisions/carried-calls.md).
 */

/** A signed call, as HTTP would carry it. Names of headers in lower case. */
export interface CarriedCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface CarriedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Rejects when there is no answer. */
export type Carrier = (call: CarriedCall) => Promise<CarriedAnswer>;

/** Where `globalThis` has it. */
const CARRIER = Symbol.for("triggers.carrier");

/** Undefined where calls go over the network. */
export const carrierHere = (): Carrier | undefined => (globalThis as { [CARRIER]?: Carrier })[CARRIER];
