/** How long a customer's events are kept who asked for nothing else; a delivery is kept as long as its events. */
export const DEFAULT_RETENTION_DAYS = 90;
