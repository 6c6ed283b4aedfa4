import { AwsError, type SignedCalls } from "../aws/signed.ts";

/** `@connections`: what a WebSocket API does to a socket on our behalf. */
export interface Posting {
  /** @returns false where the socket is gone @throws AwsError */
  post(connectionId: string, message: unknown): Promise<boolean>;
  /** Closes a socket; one that is gone is closed. @throws AwsError */
  close(connectionId: string): Promise<void>;
}

/** API Gateway says so of a socket that is gone: `GoneException`. */
const GONE = 410;

/** @param api id of the WebSocket API @param stage of it */
export function postingOver(calls: SignedCalls, api: string, stage: string): Posting {
  async function ask(method: "POST" | "DELETE", id: string, body: string): Promise<boolean> {
    try {
      const path = `/${stage}/@connections/${encodeURIComponent(id)}`;
      await calls.perform({ service: "execute-api", bucket: api, method, path, headers: {}, body });
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.status === GONE) return false;
      throw error;
    }
  }
  return {
    post: (id, message) => ask("POST", id, JSON.stringify(message)),
    close: async (id) => void (await ask("DELETE", id, "")),
  };
}
