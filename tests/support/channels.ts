import type { TestApi } from "./api.ts";

/** Verifies an alert channel without the code or the link that people get. */
export const verifyChannel = (
  { database }: TestApi,
  channel_id: string,
  at: number,
  more: { readonly base_url?: string } = {},
) =>
  database.db
    .updateTable("alert_channels")
    .set({ verified_at: new Date(at), ...more })
    .where("channel_id", "=", channel_id)
    .execute();
