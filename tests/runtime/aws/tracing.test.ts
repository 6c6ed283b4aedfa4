import assert from "node:assert/strict";
import { createServer as createTcpServer } from "node:net";
import { suite } from "uvu";
import { type TracerOptions, tracerOver } from "../../../runtime/aws/tracing.ts";
import type { Span } from "../../../runtime/domain/trace.ts";
import { eventually } from "../../support/eventually.ts";
import { otlpReceiver } from "../../support/otlpReceiver.ts";

const test = suite("exporting spans");

const span: Span = {
  scope: "deliver",
  name: "POST",
  kind: "client",
  trace_id: "0af7651916cd43dd8448eb211c80319c",
  span_id: "b7ad6b7169203331",
  parent: { span_id: "00f067aa0ba902b7", remote: false },
  start: 1_795_600_000_000,
  end: 1_795_600_000_012.5,
  attributes: { "http.response.status_code": 500, "server.address": "example.com", "triggers.replay_id": undefined },
  error: "500",
  link: { trace_id: "1af7651916cd43dd8448eb211c80319c", span_id: "c7ad6b7169203331" },
};

/** A tracer to `endpoint` that tells what it logs, with a clock of its own. */
function setUp(endpoint: string, options: Partial<TracerOptions> = {}) {
  const logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const clock = { now: 0 };
  const tracer = tracerOver(
    { OTLP_ENDPOINT: endpoint, OTLP_HEADERS_SECRET: "", TRACE_SAMPLE_RATIO: "0.25" },
    {
      log: (level, message, fields = {}) => void logs.push({ level, message, fields }),
      getSecret: async () => undefined,
      now: () => clock.now,
      waitMs: 10_000,
      ...options,
    },
  );
  return { tracer: tracer!, logs, clock };
}

test("without an endpoint there is no tracer", () => assert.equal(setUp("").tracer, undefined));

test("a span arrives as it was given, in protobuf, gzipped, below the endpoint's path", async () => {
  const receiver = await otlpReceiver();
  const { tracer, logs } = setUp(`${receiver.url}/otlp/`);
  assert.equal(tracer.ratio, 0.25);
  await tracer.export(() => [span]);
  assert.deepEqual(logs, []);
  const [{ path, headers }] = receiver.requests as [(typeof receiver.requests)[0]];
  assert.deepEqual(
    [path, headers["content-type"], headers["content-encoding"]],
    ["/otlp/v1/traces", "application/x-protobuf", "gzip"],
  );
  assert.deepEqual(receiver.spans, [
    {
      scope: "triggers.deliver",
      resource: { "service.name": "triggers", "cloud.provider": "aws" },
      name: "POST",
      kind: "CLIENT",
      trace_id: span.trace_id,
      span_id: span.span_id,
      parent_id: "00f067aa0ba902b7",
      start_ms: span.start,
      end_ms: span.end,
      status: "ERROR",
      attributes: { "http.response.status_code": 500, "server.address": "example.com", "error.type": "500" },
      links: [span.link],
    },
  ]);
  await receiver.close();
});

test("without spans no connection is made", async () => {
  const { tracer, logs } = setUp("http://127.0.0.1:1");
  await tracer.export(() => []);
  assert.deepEqual(logs, []);
});

test("spans that can't be made are dropped, and only the log says so", async () => {
  const { tracer, logs } = setUp("http://127.0.0.1:1");
  await tracer.export(() => {
    throw new Error("no such thing");
  });
  assert.deepEqual(
    logs.map(({ message, fields }) => [message, fields.error]),
    [["tracing.export_failed", "Error: no such thing"]],
  );
});

test("the tracer soon stops waiting for a receiver that hangs, and tries it again after half a minute", async () => {
  let hangs = true;
  const receiver = await otlpReceiver((_, answer) => {
    if (!hangs) answer.end();
  });
  const { tracer, logs, clock } = setUp(receiver.url, { waitMs: 50, timeoutMs: 200 });
  await tracer.export(() => [span, span]);
  assert.equal(logs.length, 0, "the invocation is over before the export has failed");
  await tracer.export(() => [span]);
  await eventually(
    () => logs.length,
    (lines) => lines === 1,
  );
  clock.now += 29_999;
  await tracer.export(() => [span]);
  assert.equal(receiver.requests.length, 1, "it is at rest");
  hangs = false;
  clock.now += 2;
  await tracer.export(() => [span]);
  await eventually(
    () => logs.length,
    (lines) => lines === 2,
  );
  assert.equal(receiver.requests.length, 2);
  assert.deepEqual(
    logs.map(({ level, message, fields }) => [level, message, fields.dropped_spans]),
    [
      ["warn", "tracing.export_failed", 3],
      ["info", "tracing.resumed", 4],
    ],
  );
  await receiver.close();
});

test("a late receiver is used again once it has answered", async () => {
  let answer: () => void = () => undefined;
  let exports = 0;
  const slow = async () => {
    exports += 1;
    if (exports > 1) return;
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
  };
  const { tracer } = setUp("https://otlp.example.com", {
    waitMs: 20,
    open: async () => ({ export: slow, close: async () => undefined }),
  });
  await tracer.export(() => [span]);
  await tracer.export(() => [span]);
  assert.equal(exports, 1);
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  await tracer.export(() => [span]);
  assert.equal(exports, 2);
});

test("a receiver that refuses, answers nonsense or is missing costs one line in the log", async () => {
  const refusing = await otlpReceiver((_, answer) => answer.writeHead(401).end("who are you?"));
  const busy = await otlpReceiver((_, answer) => answer.writeHead(503, { "retry-after": "100" }).end());
  const nonsense = createTcpServer((socket) => socket.on("error", () => undefined).end("SSH-2.0\r\n"));
  await new Promise<void>((resolve) => nonsense.listen(0, "127.0.0.1", resolve));
  const { port } = nonsense.address() as { port: number };
  for (const endpoint of [refusing.url, busy.url, `http://127.0.0.1:${port}`, "http://127.0.0.1:1"]) {
    const { tracer, logs } = setUp(endpoint);
    await tracer.export(() => [span]);
    assert.deepEqual(
      logs.map(({ message }) => message),
      ["tracing.export_failed"],
      endpoint,
    );
  }
  await refusing.close();
  await busy.close();
  nonsense.close();
});

test("after a pause the tracer connects anew, and it reads its headers again from time to time", async () => {
  let opened = 0;
  let closed = 0;
  const { tracer, clock } = setUp("https://otlp.example.com", {
    async open() {
      opened += 1;
      const close = async () => {
        closed += 1;
      };
      return { export: async () => undefined, close };
    },
  });
  const at = async (ms: number) => {
    clock.now = ms;
    await tracer.export(() => [span]);
    return opened;
  };
  assert.deepEqual([await at(0), await at(4_000), await at(8_001)], [1, 1, 2]);
  for (let ms = 8_001; ms <= 308_001; ms += 4_000) await at(ms);
  assert.deepEqual([opened, await at(308_500)], [2, 3]);
  assert.equal(closed, 2);
});

test.run();
