import type { News, PublishRequest } from "../domain/live.ts";
import type { Clients } from "./clients.ts";
import { errorText, type Log } from "./log.ts";

/** Tells those who watch. Never rejects: lists show the events and deliveries that a lost message was about. */
export type Tell = (news: readonly News[]) => Promise<void>;

/** Asks the publishing function for something. @throws AwsError */
export type AskPublisher = (request: PublishRequest) => Promise<void>;

export const publisherOver =
  (invokeLater: Clients["invokeLater"], functionName: string): AskPublisher =>
  (request) =>
    invokeLater(functionName, JSON.stringify(request));

/** One call for each tenant that is watched. */
export function tellOver(ask: AskPublisher, log: Log): Tell {
  return async (news) => {
    await Promise.all(
      news.map((each) =>
        ask({ op: "publish", ...each }).catch((error: unknown) =>
          log("warn", "live.not_told", { tenant: each.tenant, error: errorText(error) }),
        ),
      ),
    );
  };
}
