import type { ErrorClass } from "../metrics/names.ts";

/**
 * What can go wrong between the platform and an endpoint, in words: what each class of failure means, and what its owner should do.
 * Problems tell it to people; docs/errors.md is written from it.
 */
export interface FailureEntry {
  readonly explanation: string;
  readonly advice: string;
}

export const failureCatalog: Readonly<Record<ErrorClass, FailureEntry>> = {
  timeout: {
    explanation: "The endpoint did not answer within ten seconds.",
    advice: "Answer 2xx as soon as the events are kept, and work on them afterwards.",
  },
  dns: {
    explanation: "The host name of the webhook URL has no address.",
    advice: "Correct the host of the webhook URL, or its DNS records.",
  },
  connect: {
    explanation: "No connection to the endpoint could be made, or it was closed before an answer came.",
    advice: "See that the server runs, listens on the port of the webhook URL, and that no firewall is in the way.",
  },
  tls: {
    explanation:
      "The endpoint's certificate can't be trusted: it has expired, is for another host, or its chain is not whole.",
    advice: "Renew the certificate, and have the server send it with its intermediate certificates.",
  },
  redirect: {
    explanation: "The endpoint answered with a redirect, which is never followed.",
    advice: "Change the webhook URL to where the redirect leads.",
  },
  http_4xx: {
    explanation: "The endpoint refused the request.",
    advice: "Look at the answer of the sample delivery, and change the endpoint or the subscription's format.",
  },
  http_5xx: {
    explanation: "The endpoint failed while it worked on the request.",
    advice: "Look for the time of the sample delivery in the endpoint's own log.",
  },
  gone: {
    explanation: "The endpoint answered 410: it accepts no further events, and the subscription was removed.",
    advice: "If that was not meant, change the endpoint and create the subscription again.",
  },
  forbidden_address: {
    explanation: "The host of the webhook URL leads to a private address, where nothing is posted.",
    advice: "Give the endpoint a public address.",
  },
  other: {
    explanation: "The attempt failed in another way: most often a transform or an enrichment could not be made.",
    advice: "Read `error` and `error_detail` of the sample delivery's attempts.",
  },
};

/** Statuses that say more than their class. */
export const statusCatalog: Readonly<Record<number, FailureEntry>> = {
  400: {
    explanation: "The endpoint could not read the request.",
    advice:
      "Compare the body of the sample delivery with what the endpoint expects: `format`, `max_batch`, `transform`.",
  },
  401: {
    explanation: "The endpoint asked for credentials, or did not accept those that it got.",
    advice: "Set the header that it needs in the subscription's `headers`, or have it check the signature instead.",
  },
  403: {
    explanation: "The endpoint does not let the platform in.",
    advice: "Allow the request in its firewall or application; check the signature rather than the address.",
  },
  404: {
    explanation: "There is nothing at the path of the webhook URL.",
    advice: "Correct the path of the webhook URL, or bring the route back.",
  },
  405: {
    explanation: "The endpoint takes no POST at this path.",
    advice: "Let the route accept POST, or correct the path of the webhook URL.",
  },
  413: {
    explanation: "The request was too large for the endpoint.",
    advice: "Raise the endpoint's limit to 1 MB, or lower the subscription's `max_batch`.",
  },
  415: {
    explanation: "The endpoint takes no `application/json`.",
    advice: "Have the route accept `content-type: application/json`.",
  },
  422: {
    explanation: "The endpoint understood the request, and refused what it says.",
    advice: "Look at the answer of the sample delivery; a `transform` can give the payload the shape that it accepts.",
  },
  429: {
    explanation: "The endpoint gets more requests than it takes.",
    advice: "Raise its limit, have it answer with `Retry-After`, or let more events come in one request (`max_batch`).",
  },
  503: {
    explanation: "The endpoint is overloaded or under maintenance.",
    advice: "Nothing is lost meanwhile. Have it answer with `Retry-After` while it can't take events.",
  },
};

/** What a failure means, and what to do about it. @param status of the answer, where there was one */
export const failureOf = (error: ErrorClass, status: number | null): FailureEntry =>
  (status === null ? undefined : statusCatalog[status]) ?? failureCatalog[error];
