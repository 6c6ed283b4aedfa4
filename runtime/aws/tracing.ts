import { ageOf } from "../domain/age.ts";
import type { Environment, tracingVariables } from "../domain/environment.ts";
import type { Millis } from "../domain/time.ts";
import type { Span, Tracer } from "../domain/trace.ts";
import { errorText, type Log } from "./log.ts";
import type { ExporterOptions, SpanExporter } from "./otlp.ts";

/**
 * Exports spans, where that is configured. Invariant: tracing costs an invocation at most one second, and that at most once
 * in half a minute: while an exporter has failed or is late, its spans are dropped. An export that is only late continues beside
 * later work, and the exporter is used again as soon as that export has succeeded.
 */
const WAIT_MS = 1_000;
const TIMEOUT_MS = 5_000;
const REST_MS = 30_000;
/** After a pause of so many milliseconds a new connection is opened: a function stands still between invocations, and loses its old one. */
const IDLE_MS = 4_000;
/** How long headers are remembered; a new value of their secret is in use after that. */
const HEADERS_MS = 300_000;

export interface TracerOptions {
  readonly log: Log;
  /** A secret's value, of which the headers are read; undefined when it has none. */
  getSecret(name: string): Promise<string | undefined>;
  now?(): Millis;
  /** Longest time that an invocation waits for an export. */
  readonly waitMs?: Millis;
  /** After this an export has failed. */
  readonly timeoutMs?: Millis;
  open?(options: ExporterOptions): Promise<SpanExporter>;
}

/** @returns undefined without a configured endpoint: then the exporter's code is left unloaded */
export function tracerOver(env: Environment<typeof tracingVariables>, options: TracerOptions): Tracer | undefined {
  if (env.OTLP_ENDPOINT === "") return undefined;
  const { log, getSecret, now = Date.now, waitMs = WAIT_MS, timeoutMs = TIMEOUT_MS } = options;
  // Begun at the cold start: the first export should not have to wait for it.
  const loading = import("./otlp.ts");
  const { open = async (to: ExporterOptions) => (await loading).openExporter(to) } = options;
  const secret = env.OTLP_HEADERS_SECRET;
  const headers = async () => (secret === "" ? undefined : await getSecret(secret));
  const to = { endpoint: env.OTLP_ENDPOINT, headers, timeoutMs };
  let exporter: Promise<SpanExporter> | undefined;
  let openedAt = 0;
  let usedAt = 0;
  /** Since when nothing is exported. */
  let restsSince = Number.NEGATIVE_INFINITY;
  let dropped = 0;

  function current(): Promise<SpanExporter> {
    const at = now();
    if (exporter === undefined || at - usedAt > IDLE_MS || at - openedAt > HEADERS_MS) {
      forget();
      exporter = open(to);
      openedAt = at;
    }
    usedAt = at;
    return exporter;
  }

  function forget(): void {
    exporter?.then((old) => old.close()).catch(() => undefined);
    exporter = undefined;
  }

  function failed(error: unknown, spans: number): void {
    forget();
    dropped += spans;
    restsSince = now();
    log("warn", "tracing.export_failed", { error: errorText(error), dropped_spans: dropped, rests_ms: REST_MS });
  }

  async function send(spans: readonly Span[]): Promise<void> {
    try {
      await (await current()).export(spans);
      restsSince = Number.NEGATIVE_INFINITY;
      if (dropped > 0) log("info", "tracing.resumed", { dropped_spans: dropped });
      dropped = 0;
    } catch (error) {
      failed(error, spans.length);
    }
  }

  return {
    ratio: Number(env.TRACE_SAMPLE_RATIO),
    async export(spansOf) {
      try {
        const spans = spansOf();
        if (spans.length === 0) return;
        await loading;
        if (ageOf(restsSince, now()) < REST_MS) {
          dropped += spans.length;
          return;
        }
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(() => {
            restsSince = now();
            resolve();
          }, waitMs);
        });
        await Promise.race([send(spans), late]);
        clearTimeout(timer);
      } catch (error) {
        failed(error, 0);
      }
    },
  };
}
