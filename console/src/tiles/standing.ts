import type { Paint } from "../../../runtime/domain/charts/drawing.ts";

/** What has become of an event for a subscription: its word, its colour, and a sign for those who see no colours. */
export const standing = {
  delivered: { word: "Delivered", paint: "good", sign: "✓" },
  pending: { word: "Pending", paint: "info", sign: "…" },
  failed: { word: "Failed, retrying", paint: "warn", sign: "↻" },
  dead_lettered: { word: "Failed, dead-lettered", paint: "bad", sign: "✕" },
  cancelled: { word: "Cancelled", paint: "series3", sign: "–" },
  unmatched: { word: "Unmatched", paint: "quiet", sign: "○" },
} as const satisfies Readonly<Record<string, { readonly word: string; readonly paint: Paint; readonly sign: string }>>;
