import type { Peppers } from "./apiKey.ts";

/** Read again after so long, beside the request that finds it old. */
export const PEPPERS_MS = 5 * 60_000;
/** A version that is missing is asked for at most so often. */
const MISSING_MS = 10_000;

/** The peppers, read once and kept: while they can't be read again, those we have serve on. */
export class PepperCache {
  private readonly ports: { read(): Promise<Peppers>; now(): number };
  private peppers: Peppers | undefined;
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<Peppers> | undefined;

  constructor(ports: { read(): Promise<Peppers>; now(): number }) {
    this.ports = ports;
  }

  /** @param version one that must be among them, if it exists at all. @throws when they were never read */
  async get(version?: string): Promise<Peppers> {
    const age = this.ports.now() - this.readAt;
    if (this.peppers === undefined) return this.read();
    const missing = version !== undefined && this.peppers.versions[version] === undefined;
    const held = this.peppers;
    if (missing && age > MISSING_MS) return this.read().catch(() => held);
    if (age > PEPPERS_MS) void this.read().catch(() => held);
    return held;
  }

  private read(): Promise<Peppers> {
    this.reading ??= this.ports
      .read()
      .then((peppers) => {
        this.peppers = peppers;
        return peppers;
      })
      .finally(() => {
        this.readAt = this.peppers === undefined ? Number.NEGATIVE_INFINITY : this.ports.now();
        this.reading = undefined;
      });
    return this.reading;
  }
}
