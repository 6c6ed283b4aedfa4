import type { Delivery } from "./types.ts";

/** Whether a delivery can be tried once more: it has failed, or was given up. */
export const isRetried = ({ status }: Delivery): boolean => status === "failed" || status === "dead_lettered";
