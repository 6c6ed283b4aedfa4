/**
 * The conformance table for the SDK for TypeScript, case by case. Plain JavaScript without a module of Node.js, for every runtime that the
 * SDK is for: Node.js from 20, Deno, Bun, workers.
 * @param sdk the modules `index.js` and `lossless.js` as they were installed, and how to fetch through a proxy
 * @returns what carries one case out
 */
export function conformance({ sdk, lossless, throughProxy, told = () => undefined }) {
  const { Triggers, TriggersConnectionError, TriggersError, verify, WebhookVerificationError } = sdk;
  const { parseLossless, writeLossless } = lossless;

  async function clientOf({ options = {}, url, api_key, proxy }) {
    return new Triggers({
      url: options.url ?? url,
      apiKey: options.api_key ?? api_key,
      timeoutMs: (options.timeout ?? 120) * 1_000,
      ...(options.retries === undefined ? {} : { retries: options.retries }),
      ...(options.max_wait === undefined ? {} : { maxWaitMs: options.max_wait * 1_000 }),
      ...(options.lossless === undefined ? {} : { lossless: options.lossless }),
      ...(options.proxy === undefined ? {} : { fetch: await throughProxy(proxy) }),
    });
  }

  const batchOptions = ({ batch }) => ({
    ...(batch.max_events === undefined ? {} : { maxEvents: batch.max_events }),
    ...(batch.max_bytes === undefined ? {} : { maxBytes: batch.max_bytes }),
    ...(batch.max_wait === undefined ? {} : { maxWaitMs: batch.max_wait * 1_000 }),
  });

  function failure(error) {
    if (error instanceof TriggersConnectionError) return { error: error.reason };
    if (error instanceof WebhookVerificationError) return { error: error.reason };
    if (error?.name === "AbortError") return { error: "cancelled" };
    if (/ is no address: | in params\.$/.test(error?.message)) return { error: error.message };
    if (!(error instanceof TriggersError)) return { error: String(error?.stack ?? error) };
    const indexes = error.details.map(({ index }) => index).filter((index) => index !== undefined);
    return {
      error: error.code,
      status: error.status,
      ...(indexes.length === 0 ? {} : { indexes }),
      ...(error.retryAfterMs === undefined ? {} : { retry_after: error.retryAfterMs / 1_000 }),
    };
  }

  const eventually = async (read, wanted) => {
    for (;;) {
      const value = await read();
      if (wanted(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  /** What was accepted a moment ago may not be listed yet. */
  const soon = async (read) => {
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (error.code !== "not_found") throw error;
      }
    }
  };

  const eventOf = (given, n) => ({
    event_type: given.bad?.includes(n) ? 5 : given.type,
    n,
    ...(given.padding === undefined ? {} : { padding: "x".repeat(given.padding) }),
  });

  const calls = {
    async send(given) {
      const triggers = await clientOf(given);
      const idempotencyKey = given.again === undefined ? undefined : `conformance-${given.type}`;
      const accepted = [await triggers.send(given.events, { idempotencyKey })].flat();
      if (given.again !== undefined) await triggers.send(given.again, { idempotencyKey });
      return { accepted: accepted.filter(({ event_id }) => event_id.startsWith("evt_")).length };
    },
    async call(given) {
      return { answer: await (await clientOf(given)).call(given.method, given.path) };
    },
    async event(given) {
      return { event: await (await clientOf(given)).event(given.id) };
    },
    async cancel(given) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), given.after * 1_000);
      return { accepted: await (await clientOf(given)).send(given.events, { signal: controller.signal }) };
    },
    async pages(given) {
      const triggers = await clientOf(given);
      await triggers.send(given.events);
      const read = async () => {
        const ns = [];
        for await (const { payload } of triggers.inbox({ event_type: [given.type], order: "asc", limit: given.limit }))
          ns.push(payload.n);
        return ns;
      };
      return { ns: await eventually(read, ({ length }) => length >= given.events.length) };
    },
    async round_trip(given) {
      const triggers = await clientOf(given);
      const { event_id } = await triggers.send(parseLossless(given.text));
      const { payload } = await soon(() => triggers.event(event_id));
      return { text: writeLossless(payload) };
    },
    async batch(given) {
      const triggers = await clientOf(given);
      const batch = triggers.batch(batchOptions(given));
      const added = Array.from({ length: given.count }, (_, n) => batch.add(eventOf(given, n)));
      const settled = Promise.allSettled(added);
      if (!given.wait_for_all) await batch.close();
      const outcomes = await settled;
      await batch.close();
      const refused = outcomes.filter(({ status }) => status === "rejected");
      return {
        accepted: outcomes.length - refused.length,
        refused: refused.length,
        ...(refused.length === 0 ? {} : { error: refused[0].reason.code, message: refused[0].reason.message }),
      };
    },
    async exit(given) {
      const batch = (await clientOf(given)).batch(batchOptions(given));
      for (let n = 0; n < given.count; n += 1) void batch.add(eventOf(given, n));
      if (given.how === "SIGTERM") {
        setInterval(() => undefined, 60_000);
        told("added\n");
      }
      return undefined;
    },
    async verify(given) {
      const { body, headers, secrets, tolerance, now } = given.signed;
      const text = await verify(body, headers, {
        secrets,
        now: now * 1_000,
        ...(tolerance === undefined ? {} : { toleranceSeconds: tolerance }),
      });
      if (text !== body) throw new Error("the text was changed");
      return { value: JSON.parse(text) };
    },
  };

  return (given) => calls[given.do](given).catch(failure);
}
