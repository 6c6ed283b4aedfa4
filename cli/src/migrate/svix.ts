import { ALL, type Converted, converted } from "./converted.ts";
import { entriesOf } from "./list.ts";

/** One endpoint, as `GET /api/v1/app/{app_id}/endpoint/` of Svix lists it. Version 2 of its API calls the types `eventTypes`. */
interface Endpoint {
  readonly id: string;
  readonly uid?: string | null;
  readonly url: string;
  readonly description?: string;
  readonly disabled?: boolean;
  readonly filterTypes?: readonly string[] | null;
  readonly eventTypes?: readonly string[] | null;
  readonly channels?: readonly string[] | null;
  readonly rateLimit?: number | null;
  readonly throttleRate?: number | null;
  /** As `…/endpoint/{id}/headers` gives them, where the export has them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of headers whose values Svix does not tell. */
  readonly sensitive?: readonly string[];
  /** As `…/endpoint/{id}/transformation` gives it, where the export has it. */
  readonly transformation?: { readonly enabled?: boolean; readonly code?: string | null };
}

const shape = {
  product: "Svix",
  entries: "endpoints",
  member: "data",
  needs: ["id", "url"],
  guide: "moving-from-svix",
};

/** @param input a page of the list, with its endpoints in `data`, or the bare list @throws CommandError for anything else */
export function fromSvix(input: unknown): Converted[] {
  const endpoints = entriesOf<Endpoint>(input, shape);
  return endpoints.map((endpoint) => {
    const { id, uid, url, description, channels, headers, sensitive = [], transformation } = endpoint;
    const types = endpoint.eventTypes ?? endpoint.filterTypes ?? [];
    const rate = endpoint.throttleRate ?? endpoint.rateLimit ?? undefined;
    const not: string[] = [];
    if ((channels ?? []).length > 0)
      not.push(
        `it receives only the channels ${channels!.join(", ")}; send the channel as a member of the payload, and select by that member`,
      );
    if (transformation?.enabled === true)
      not.push("its payload is changed by JavaScript; here a transform extracts, renames and omits members");
    const differs = [
      "the headers are webhook-id, webhook-timestamp and webhook-signature, without svix-; the scheme is the same, with a secret of its own",
    ];
    if (headers === undefined && transformation === undefined)
      differs.push("the export does not tell its headers and its transformation: look at Svix whether it has any");
    if (sensitive.length > 0)
      differs.push(`Svix keeps the values of its headers ${sensitive.join(", ")} to itself: set them by "headers"`);
    if (rate !== undefined)
      differs.push(`at most ${rate} a second there; here the endpoint itself says 429 or 503 with Retry-After`);
    const selector = types.length === 0 ? ALL : { event_type: types.length === 1 ? types[0]! : [...types] };
    return converted(
      id,
      {
        workflow_id: description || uid || id,
        webhook_url: url,
        event_selector: selector,
        // A message of Svix is one payload, by itself.
        format: "payload",
        max_batch: 1,
        ...(headers === undefined || Object.keys(headers).length === 0 ? {} : { headers }),
      },
      { disabled: endpoint.disabled === true, not, differs },
    );
  });
}
