/**
 * How long ago something was that this process remembers, milliseconds. Infinite where it is yet to come: the clock has been set back
 * since, and what rests, waits or is remembered "for a second" must not do so for hours.
 */
export const ageOf = (then: number, now: number): number => (then > now ? Number.POSITIVE_INFINITY : now - then);
