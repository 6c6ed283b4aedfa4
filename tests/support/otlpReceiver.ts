/** A receiver of OTLP/HTTP, as far as traces go, that reads what it is sent by the protocol's own field numbers. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";

/** Source: opentelemetry-proto 1.x, trace/v1/trace.proto, common/v1/common.proto, resource/v1/resource.proto. */
const { root } = protobuf.parse(`
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message Scope { string name = 1; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; Kind kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15; fixed32 flags = 16;
  enum Kind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; PRODUCER = 4; CONSUMER = 5; }
}
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; Code code = 3; enum Code { UNSET = 0; OK = 1; ERROR = 2; } }
message KeyValue { string key = 1; Value value = 2; }
message Value { oneof value { string text = 1; bool flag = 2; int64 whole = 3; double real = 4; } }
`);
const requestType = root.lookupType("Request");

export interface ReceivedSpan {
  readonly scope: string;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly kind: string;
  readonly trace_id: string;
  readonly span_id: string;
  /** Empty for the first of a trace. */
  readonly parent_id: string;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly status: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly trace_id: string; readonly span_id: string }[];
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
const valuesOf = (pairs: readonly KeyValue[] = []) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));

function readSpans(body: Uint8Array): ReceivedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: a message without generated types
  const { resourceSpans = [] }: any = requestType.toObject(requestType.decode(body), { longs: Number, enums: String });
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return resourceSpans.flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as above
    scopeSpans.flatMap(({ scope, spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      spans.map((span: any) => ({
        scope: scope.name,
        resource: valuesOf(resource.attributes),
        name: span.name,
        kind: span.kind,
        trace_id: hex(span.traceId),
        span_id: hex(span.spanId),
        parent_id: hex(span.parentSpanId),
        start_ms: span.startTimeUnixNano / 1e6,
        end_ms: span.endTimeUnixNano / 1e6,
        status: span.status?.code ?? "UNSET",
        attributes: valuesOf(span.attributes),
        links: (span.links ?? []).map((link: { traceId: Uint8Array; spanId: Uint8Array }) => ({
          trace_id: hex(link.traceId),
          span_id: hex(link.spanId),
        })),
      })),
    ),
  );
}

/** Listens on a free port of loopback. `answers` replaces the usual 200. */
export async function otlpReceiver(answers?: RequestListener) {
  const spans: ReceivedSpan[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ path: request.url!, headers: request.headers });
      if (answers !== undefined) return answers(request, answer);
      const body = Buffer.concat(chunks);
      spans.push(...readSpans(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body));
      answer.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
