import { type Accepted, Batch, type BatchOptions } from "./batch.ts";
import type { components, paths } from "./contract.ts";
import { type Page, Pages } from "./pages.ts";
import { type CallOptions, Transport, type TriggersOptions } from "./transport.ts";
import { type VerifyOptions, verify, type WebhookHeaders } from "./verify.ts";

type Schemas = components["schemas"];
/** An event as every read gives it. */
export type Event = Schemas["InboxEvent"];
export type Delivery = Schemas["Delivery"];
export type Subscription = Schemas["Subscription"];
export type NewSubscription = Schemas["NewSubscription"];
export type SubscriptionRequest = Schemas["SubscriptionRequest"];
export type Replay = Schemas["Replay"];

type Method = "get" | "post" | "put" | "patch" | "delete";
type Verb = Uppercase<Method>;
/** Paths that have this method. */
type PathOf<V extends Verb> = {
  [P in keyof paths]: paths[P][Lowercase<V>] extends { responses: unknown } ? P : never;
}[keyof paths];
type Operation<V extends Verb, P extends keyof paths> = paths[P][Lowercase<V>];
type Parameters<O, In extends "path" | "query"> = O extends { parameters: { [K in In]?: infer T } } ? T : undefined;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : undefined;
type Success<O> = O extends { responses: infer R }
  ? {
      [S in keyof R]: S extends 200 | 201 | 202
        ? R[S] extends { content: { "application/json": infer T } }
          ? T
          : never
        : never;
    }[keyof R]
  : never;
/** Members that may be left out when nothing has to be given. */
type Given<Name extends string, T> = [T] extends [undefined]
  ? { [K in Name]?: undefined }
  : object extends T
    ? { [K in Name]?: T }
    : { [K in Name]: T };
/** What a call of this route takes. */
export type Request<V extends Verb, P extends keyof paths> = Given<"params", Parameters<Operation<V, P>, "path">> &
  Given<"query", NonNullable<Parameters<Operation<V, P>, "query">>> &
  Given<"body", Body<Operation<V, P>>>;
/** What a route answers; undefined for 204. */
export type Answer<V extends Verb, P extends keyof paths> = Success<Operation<V, P>>;
/** Query of a list, whose cursor iteration follows by itself. */
type Query<P extends PathOf<"GET">> = NonNullable<Parameters<Operation<"GET", P>, "query">>;
type ItemOf<T> = Extract<{ [K in keyof T]: T[K] extends readonly (infer I)[] ? I : never }[keyof T], object>;
type BodyOf<P extends PathOf<"POST">> = Body<Operation<"POST", P>>;

/** Path with its parameters put in, and its query. A list repeats its parameter; what is undefined is left out. */
function pathOf(path: string, params: object = {}, query: object = {}): string {
  const values = params as Record<string, unknown>;
  const missing = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => (values[name!] === undefined ? [name] : []));
  // Never a call about the object "undefined".
  if (missing.length > 0) throw new TypeError(`The path ${path} needs ${missing.join(" and ")} in params.`);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined && one !== null) search.append(name, String(one));
  return search.size === 0 ? filled : `${filled}?${search}`;
}

/** A client of the platform. It keeps no connection of its own and needs no closing. */
export class Triggers {
  readonly #transport: Transport;
  readonly #options: TriggersOptions;

  /** @throws TypeError without a key, or with an address that is none */
  constructor(options: TriggersOptions = {}) {
    this.#options = options;
    this.#transport = new Transport(options);
  }

  /** Of the platform, without a slash at the end. */
  get url(): string {
    return this.#transport.url;
  }

  /**
   * Any call of the API, typed by its contract.
   * @example const { days } = await triggers.call("GET", "/retention");
   * @throws TriggersError, TriggersConnectionError, the signal's reason
   */
  async call<V extends Verb, P extends PathOf<V>>(
    method: V,
    path: P,
    ...[given]: object extends Request<V, P> ? [(Request<V, P> & CallOptions)?] : [Request<V, P> & CallOptions]
  ): Promise<Answer<V, P>> {
    const { params, query, body, ...options } = (given ?? {}) as {
      params?: object;
      query?: object;
      body?: unknown;
    } & CallOptions;
    const text = body === undefined ? undefined : await this.#transport.write(body);
    const answer = await this.#transport.send({ method, path: pathOf(path, params, query), text, ...options });
    return answer as Answer<V, P>;
  }

  /**
   * Any list of the API, read page by page.
   * @example for await (const key of triggers.list("/keys")) console.log(key.key_id);
   */
  list<P extends PathOf<"GET">>(
    path: P,
    given: { readonly params?: object; readonly query?: Query<P> } & CallOptions = {},
  ): Pages<ItemOf<Answer<"GET", P>>> {
    const { params, query = {}, ...options } = given as { params?: object; query?: { cursor?: string } } & CallOptions;
    const read = async (cursor: string | undefined): Promise<Page<ItemOf<Answer<"GET", P>>>> => {
      const at = pathOf(path, params, { ...query, cursor });
      const answer = (await this.#transport.send({ method: "GET", path: at, ...options })) as Record<string, unknown>;
      const items = Object.values(answer).find(Array.isArray) ?? [];
      return { items, nextCursor: (answer.next_cursor as string | null | undefined) ?? null };
    };
    return new Pages(read, query.cursor);
  }

  /**
   * Sends one event, or up to 1,000 that are accepted together or not at all. Under one idempotency key, so that a broken
   * connection never makes two events of one.
   * @returns the id of the event, or those of all, in order
   * @throws TriggersError, TriggersConnectionError, the signal's reason
   */
  async send<Events extends object | readonly object[]>(
    events: Events,
    options: CallOptions = {},
  ): Promise<Events extends readonly object[] ? Accepted[] : Accepted> {
    const accepted = await this.sendText(await this.#transport.write(events), options);
    return accepted as Events extends readonly object[] ? Accepted[] : Accepted;
  }

  /** The same for JSON text, whose every character is kept. */
  async sendText(text: string, options: CallOptions = {}): Promise<Accepted | Accepted[]> {
    const answer = await this.#transport.send({ method: "POST", path: "/events", text, ...options });
    return "events" in (answer as object) ? (answer as { events: Accepted[] }).events : (answer as Accepted);
  }

  /**
   * Gathers events into requests, by number, size and time.
   * @example await using batch = triggers.batch(); for (const order of orders) void batch.add(order);
   */
  batch(options: BatchOptions & Pick<CallOptions, "retries" | "timeoutMs"> = {}): Batch {
    const { retries, timeoutMs, ...rest } = options;
    const send = async (text: string) => [await this.sendText(text, { retries, timeoutMs })].flat();
    return new Batch(send, (value) => this.#transport.write(value), rest);
  }

  /** Who would receive these events, and what exactly. Nothing is stored or sent. */
  dryRun(events: object | readonly object[], options: CallOptions = {}): Promise<Answer<"POST", "/events/dry-run">> {
    return this.call("POST", "/events/dry-run", { body: events as BodyOf<"/events/dry-run">, ...options });
  }

  event(id: string, options: CallOptions = {}): Promise<Event> {
    return this.call("GET", "/events/{id}", { params: { id }, ...options });
  }

  /** Accepted, routed, stored, each attempt: with the time spent between. */
  journey(id: string, options: CallOptions = {}): Promise<Answer<"GET", "/events/{id}/journey">> {
    return this.call("GET", "/events/{id}/journey", { params: { id }, ...options });
  }

  /** Which subscriptions matched an event, and which clause decided against it in the others. */
  verdicts(id: string, options: CallOptions = {}): Promise<Answer<"GET", "/events/{id}/verdicts">> {
    return this.call("GET", "/events/{id}/verdicts", { params: { id }, ...options });
  }

  /** Recorded events, the newest first unless `order` says otherwise. */
  inbox(query: Query<"/inbox"> = {}, options: CallOptions = {}): Pages<Event> {
    return this.list("/inbox", { query, ...options });
  }

  acknowledge(eventIds: readonly string[], options: CallOptions = {}): Promise<Answer<"POST", "/inbox/ack">> {
    return this.call("POST", "/inbox/ack", { body: { event_ids: [...eventIds] }, ...options });
  }

  /** The answer has the `signing_secret`, which is shown this once. */
  subscribe(subscription: SubscriptionRequest, options: CallOptions = {}): Promise<NewSubscription> {
    return this.call("POST", "/subscriptions", { body: subscription, ...options });
  }

  async unsubscribe(id: string, options: CallOptions = {}): Promise<void> {
    await this.call("DELETE", "/subscriptions/{id}", { params: { id }, ...options });
  }

  subscriptions(query: Query<"/subscriptions"> = {}, options: CallOptions = {}): Pages<Subscription> {
    return this.list("/subscriptions", { query, ...options });
  }

  /** What a failing or disabled subscription has not received, oldest first. */
  backlog(id: string, query: Query<"/subscriptions/{id}/backlog"> = {}, options: CallOptions = {}): Pages<Event> {
    return this.list("/subscriptions/{id}/backlog", { params: { id }, query, ...options });
  }

  acknowledgeBacklog(
    id: string,
    eventIds: readonly string[],
    options: CallOptions = {},
  ): Promise<Answer<"POST", "/subscriptions/{id}/backlog/ack">> {
    const body = { event_ids: [...eventIds] };
    return this.call("POST", "/subscriptions/{id}/backlog/ack", { params: { id }, body, ...options });
  }

  /** Runs a selector over recorded events before it is saved: what matches, what nearly does, and what would be sent. */
  rehearse(
    rehearsal: BodyOf<"/subscriptions/rehearse">,
    options: CallOptions = {},
  ): Promise<Answer<"POST", "/subscriptions/rehearse">> {
    return this.call("POST", "/subscriptions/rehearse", { body: rehearsal, ...options });
  }

  deliveries(query: Query<"/deliveries"> = {}, options: CallOptions = {}): Pages<Delivery> {
    return this.list("/deliveries", { query, ...options });
  }

  deadLetters(query: Query<"/dead-letters"> = {}, options: CallOptions = {}): Pages<Delivery> {
    return this.list("/dead-letters", { query, ...options });
  }

  /** Delivers recorded events again. */
  replay(body: BodyOf<"/replays">, options: CallOptions = {}): Promise<Replay> {
    return this.call("POST", "/replays", { body, ...options });
  }

  metrics(query: BodyOf<"/metrics/query">, options: CallOptions = {}): Promise<Answer<"POST", "/metrics/query">> {
    return this.call("POST", "/metrics/query", { body: query, ...options });
  }

  /**
   * Checks that a webhook comes from the platform, with the client's `webhookSecrets`; see the function `verify`.
   * @returns its body, read from JSON: an array of events, or of payloads
   * @throws WebhookVerificationError, TypeError without secrets
   */
  async verify(
    body: string | Uint8Array | ArrayBuffer,
    headers: WebhookHeaders,
    options: Partial<VerifyOptions> = {},
  ): Promise<unknown> {
    const secrets = options.secrets ?? this.#options.webhookSecrets;
    if (secrets === undefined) throw new TypeError("Give webhookSecrets to the client, or secrets to this call.");
    return this.#transport.read(await verify(body, headers, { ...options, secrets }));
  }
}
