import { Link } from "wouter";
import { pretty } from "../api.ts";
import type { DryRun } from "../types.ts";
import { Code, Note, Status } from "../ui/basic.tsx";
import { SubscriptionLink } from "../ui/subscriptionLink.tsx";
import { keep } from "../url.ts";

/** Who would receive what, and why others would not. */
export function Receivers({ dry }: { dry: DryRun }) {
  const many = dry.results.length > 1;
  return (
    <div className="grid gap-3">
      {dry.results.map((result, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place in the request is what names an event here
        <div key={index} className="grid gap-2">
          {many ? <p className="font-medium">Event {index + 1}</p> : null}
          {result.valid ? null : (
            <Note tone="bad" title="This event would be refused.">
              <ul className="list-disc pl-5">
                {(result.errors ?? []).map((error) => (
                  <li key={`${error.path} ${error.message}`}>
                    <code>{error.path}</code> {error.message}
                  </li>
                ))}
              </ul>
            </Note>
          )}
          {result.valid && result.subscriptions.length === 0 ? (
            <p className="text-sm text-muted">
              There is no subscription on this side, so nobody would receive it.{" "}
              <Link href={keep("/subscriptions")}>Make one</Link>
            </p>
          ) : null}
          <ul className="grid gap-2">
            {[...result.subscriptions]
              .sort((a, b) => Number(b.matched) - Number(a.matched))
              .map(({ subscription_id, matched, because, request }) => (
                <li key={subscription_id} className="rounded-md border border-line p-2 text-sm">
                  <p>
                    <Status status={matched ? "would receive it" : "would not"} />{" "}
                    <SubscriptionLink id={subscription_id} />
                  </p>
                  {because === undefined ? null : <p className="text-muted">{because}</p>}
                  {request === undefined ? null : (
                    <details>
                      <summary className="cursor-pointer">What it would receive</summary>
                      <Code label="Body" text={pretty(request.body)} />
                    </details>
                  )}
                </li>
              ))}
          </ul>
        </div>
      ))}
    </div>
  );
}
