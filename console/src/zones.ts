/** Names of time zones, UTC first. */
export const zones: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

/** The reader's own. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
