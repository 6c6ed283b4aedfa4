import type { Environment, tracingVariables } from "../domain/environment.ts";
import type { Span, Tracer } from "../domain/trace.ts";
import { errorText, type Log } from "./log.ts";

/**
 * Exports spans, where that is configured. Invariant: tracing costs an invocation at most one second, and that at most once
 * in half a minute: an exporter that failed or hung is left alone for so long, and what it would have got is dropped.
 */
const WAIT_MS = 1_000;
const REST_MS = 30_000;
/** Connections are not trusted after a pause this long: a function stands still between invocations. */
const IDLE_MS = 4_000;
/** How long headers are remembered; a new value of their secret is in use after that. */
const HEADERS_MS = 300_000;

/** Sends spans; throws what went wrong. */
export interface SpanExporter {
  export(spans: readonly Span[]): Promise<void>;
  close(): Promise<void>;
}

export interface ExporterOptions {
  /** Base URL of an OTLP/HTTP receiver: spans go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** ARN of the secret with the headers; empty for none. */
  readonly headersSecret: string;
  readonly timeoutMs: number;
}

/** Loaded when the first spans are exported, not before: without tracing, nobody pays for it. */
const load = async (options: ExporterOptions): Promise<SpanExporter> =>
  (await import("./otlp.ts")).openExporter(options);

/** @returns undefined when no endpoint is configured */
export function tracerOver(
  env: Environment<typeof tracingVariables>,
  { log, now = Date.now, open = load }: { log: Log; now?: () => number; open?: typeof load },
): Tracer | undefined {
  if (env.OTLP_ENDPOINT === "") return undefined;
  const options = { endpoint: env.OTLP_ENDPOINT, headersSecret: env.OTLP_HEADERS_SECRET, timeoutMs: WAIT_MS };
  let exporter: Promise<SpanExporter> | undefined;
  let openedAt = 0;
  let usedAt = 0;
  let restUntil = 0;
  let dropped = 0;

  function current(): Promise<SpanExporter> {
    const at = now();
    if (exporter === undefined || at - usedAt > IDLE_MS || at - openedAt > HEADERS_MS) {
      forget();
      exporter = open(options);
      openedAt = at;
    }
    usedAt = at;
    return exporter;
  }

  function forget(): void {
    exporter?.then((old) => old.close()).catch(() => undefined);
    exporter = undefined;
  }

  return {
    ratio: Number(env.TRACE_SAMPLE_RATIO),
    async export(spansOf) {
      let timer: NodeJS.Timeout | undefined;
      let count = 0;
      try {
        const spans = spansOf();
        count = spans.length;
        if (count === 0) return;
        if (now() < restUntil) {
          dropped += count;
          return;
        }
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`no answer within ${WAIT_MS} ms`)), WAIT_MS);
        });
        const sending = current().then((it) => it.export(spans));
        await Promise.race([sending, late]);
        if (dropped > 0) log("info", "tracing.resumed", { dropped_spans: dropped });
        dropped = 0;
      } catch (error) {
        forget();
        dropped += count;
        restUntil = now() + REST_MS;
        log("warn", "tracing.export_failed", { error: errorText(error), dropped_spans: dropped, rests_ms: REST_MS });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
