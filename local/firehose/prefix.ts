/** The expressions that Firehose evaluates in prefixes. Source: Firehose developer guide, "Understand custom prefixes for Amazon S3 objects". */
export interface PrefixValues {
  /** Arrival of the oldest record of the object, milliseconds since the epoch. */
  readonly at: number;
  readonly keys?: ReadonlyMap<string, string>;
  readonly errorType?: string;
  random(): string;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** A Java time pattern in UTC; letters it does not know are an error. */
export function formatTime(pattern: string, at: number): string {
  const time = new Date(at);
  return pattern.replace(/'([^']*)'|([A-Za-z])\2*/g, (token, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted;
    switch (token) {
      case "yyyy":
        return String(time.getUTCFullYear());
      case "MM":
        return two(time.getUTCMonth() + 1);
      case "dd":
        return two(time.getUTCDate());
      case "HH":
        return two(time.getUTCHours());
      case "mm":
        return two(time.getUTCMinutes());
      case "ss":
        return two(time.getUTCSeconds());
      default:
        throw new Error(`the local platform does not know "${token}" in a timestamp of a prefix`);
    }
  });
}

/** @throws Error naming an expression that is not known */
export function evaluatePrefix(prefix: string, values: PrefixValues): string {
  // Without a timestamp of its own a prefix gets the hour, unless it is partitioned.
  const whole = /!\{(timestamp|partitionKeyFromQuery):/.test(prefix) ? prefix : `${prefix}!{timestamp:yyyy/MM/dd/HH/}`;
  return whole.replace(/!\{([^:}]*):([^}]*)\}/g, (all, space: string, name: string) => {
    if (space === "timestamp") return formatTime(name, values.at);
    const key = space === "partitionKeyFromQuery" ? values.keys?.get(name) : undefined;
    if (key !== undefined) return key;
    if (space === "firehose" && name === "random-string") return values.random();
    if (space === "firehose" && name === "error-output-type" && values.errorType !== undefined) return values.errorType;
    throw new Error(`the local platform does not know ${all} in a prefix`);
  });
}
