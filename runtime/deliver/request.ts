/** What a subscriber receives is the shared language's: dry-runs and rehearsals show it without sending it. */
export * from "../domain/webhook/webhookPost.ts";
