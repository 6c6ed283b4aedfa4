import { type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { ATTR_ERROR_TYPE, ATTR_SERVICE_NAME } from "@opentelemetry/semantic-conventions";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Millis } from "../domain/time.ts";
import type { Span } from "../domain/trace.ts";

/** Sends spans; throws what went wrong. */
export interface SpanExporter {
  export(spans: readonly Span[]): Promise<void>;
  close(): Promise<void>;
}

export interface ExporterOptions {
  /** Base URL of an OTLP/HTTP receiver: spans go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** Headers as in `OTEL_EXPORTER_OTLP_HEADERS`; undefined for none. */
  headers(): Promise<string | undefined>;
  readonly timeoutMs: Millis;
}

/** OTLP/HTTP in protobuf, gzipped: what every receiver of OTLP takes. Imported by `tracing.ts` alone, and only when needed. */

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER } as const;

/** @throws Error when the headers can't be read */
export async function openExporter({ endpoint, headers, timeoutMs }: ExporterOptions): Promise<SpanExporter> {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    headers: headersIn((await headers()) ?? ""),
    timeoutMillis: timeoutMs,
    compression: CompressionAlgorithm.GZIP,
  });
  const { AWS_REGION, AWS_LAMBDA_FUNCTION_NAME } = process.env;
  const resource = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: "triggers",
    "cloud.provider": "aws",
    "cloud.region": AWS_REGION,
    "faas.name": AWS_LAMBDA_FUNCTION_NAME,
  });
  return {
    export: (spans) =>
      new Promise((resolve, reject) => {
        exporter.export(
          spans.map((span) => readable(span, resource)),
          ({ error, code }) => (code === 0 ? resolve() : reject(error ?? new Error("the export failed"))),
        );
      }),
    close: () => exporter.shutdown(),
  };
}

/**
 * The form of `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, values percent-encoded (OpenTelemetry specification,
 * "Specifying headers via environment variables").
 */
function headersIn(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.includes("="));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}

const time = (ms: Millis): [number, number] => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)];
const context = (traceId: string, spanId: string, isRemote = false): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
  isRemote,
});

function readable(span: Span, resource: Resource): ReadableSpan {
  const { trace_id, parent, link, error } = span;
  const known = Object.entries(span.attributes).filter(([, value]) => value !== undefined);
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => context(trace_id, span.span_id),
    ...defined({ parentSpanContext: mapDefined(parent, (parent) => context(trace_id, parent.span_id, parent.remote)) }),
    startTime: time(span.start),
    endTime: time(span.end),
    duration: time(span.end - span.start),
    ended: true,
    status: { code: error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: { ...Object.fromEntries(known), ...defined({ [ATTR_ERROR_TYPE]: error }) },
    links: link === undefined ? [] : [{ context: context(link.trace_id, link.span_id) }],
    events: [],
    resource,
    instrumentationScope: { name: `triggers.${span.scope}` },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
