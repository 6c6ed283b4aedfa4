import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FirehoseClient, PutRecordBatchCommand, PutRecordCommand } from "@aws-sdk/client-firehose";
import { suite } from "uvu";
import { createFirehose, type FirehoseService } from "../../local/firehose.ts";
import type { Inputs } from "../../local/service.ts";
import { testClock } from "./clock.ts";
import { clientOf, freshContexts, jsonCall, serve } from "./serve.ts";

const test = suite("Firehose");

interface Put {
  readonly bucket: string;
  readonly key: string;
  readonly body: Buffer;
}

const fresh = freshContexts(test.after);

const partitioned: Inputs = {
  bucketArn: "arn:aws:s3:::archive",
  bufferingSize: 64,
  bufferingInterval: 60,
  compressionFormat: "GZIP",
  prefix: "events/prefix=!{partitionKeyFromQuery:prefix}/!{timestamp:yyyy/MM/dd/HH}/",
  errorOutputPrefix: "failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/",
  dynamicPartitioningConfiguration: { enabled: true, retryDuration: 300 },
  processingConfiguration: {
    enabled: true,
    processors: [
      {
        type: "MetadataExtraction",
        parameters: [
          { parameterName: "JsonParsingEngine", parameterValue: "JQ-1.6" },
          { parameterName: "MetadataExtractionQuery", parameterValue: "{prefix:.prefix}" },
        ],
      },
    ],
  },
};

const declare = (firehose: FirehoseService, s3: Inputs = partitioned, name = "archive") =>
  firehose.resources["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"]!({
    type: "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    name,
    inputs: { destination: "extended_s3", extendedS3Configuration: s3 },
  });

const call = async (firehose: FirehoseService, action: string, args: object) => {
  const answer = await firehose.api!.call(jsonCall("firehose", `Firehose_20150804.${action}`, args));
  return { status: answer.status, ...(JSON.parse(String(answer.body)) as Record<string, unknown>) };
};
const record = (text: string) => ({ Data: Buffer.from(text).toString("base64") });
const take = (firehose: FirehoseService, ...texts: string[]) =>
  call(firehose, "PutRecordBatch", { DeliveryStreamName: "archive", Records: texts.map(record) });

test("records are buffered by partition and delivered, zipped, when the first of them is as old as the interval", async () => {
  const puts: Put[] = [];
  const clock = testClock(Date.UTC(2026, 0, 2, 3, 4, 5));
  const firehose = createFirehose(fresh(), (bucket, key, body) => puts.push({ bucket, key, body }), clock);
  await declare(firehose);
  await take(firehose, '{"prefix":"07","n":1}\n', '{"v":1,"prefix":"3f","n":2}\n');
  clock.advance(30_000);
  await take(firehose, '{"prefix":"07","n":3}\n');
  assert.equal(puts.length, 0);
  clock.advance(30_000);
  await firehose.flush();
  const delivered = puts
    .map(({ bucket, key, body }) => [
      bucket,
      key.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "<id>"),
      gunzipSync(body).toString(),
    ])
    .sort();
  assert.deepEqual(delivered, [
    [
      "archive",
      "events/prefix=07/2026/01/02/03/archive-1-2026-01-02-03-04-05-<id>.gz",
      '{"prefix":"07","n":1}\n{"prefix":"07","n":3}\n',
    ],
    [
      "archive",
      "events/prefix=3f/2026/01/02/03/archive-1-2026-01-02-03-04-05-<id>.gz",
      '{"v":1,"prefix":"3f","n":2}\n',
    ],
  ]);
  await firehose.close();
});

const bytesIn = (folder: string): string =>
  globSync("**/*.sqlite*", { cwd: folder })
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join();

test("after a scrub the file holds the waiting records and no delivered ones", async () => {
  const puts: Put[] = [];
  const context = fresh();
  const clock = testClock();
  const put = (bucket: string, key: string, body: Buffer) => puts.push({ bucket, key, body });
  const firehose = createFirehose(context, put, clock);
  await declare(firehose);
  await take(firehose, '{"prefix":"07","n":"delivered"}');
  await firehose.flush();
  await take(firehose, '{"prefix":"07","n":"waiting"}');
  assert.equal(bytesIn(context.state).includes("delivered"), true);
  await firehose.scrub!();
  assert.deepEqual(
    ["delivered", "waiting"].map((text) => bytesIn(context.state).includes(text)),
    [false, true],
  );
  await firehose.close();
  const again = createFirehose(context, put, clock);
  await declare(again);
  await again.flush();
  assert.deepEqual(
    puts.map(({ body }) => gunzipSync(body).toString()),
    ['{"prefix":"07","n":"delivered"}', '{"prefix":"07","n":"waiting"}'],
  );
  await again.close();
});

test("records that the bucket refuses for a day are dropped, as Firehose does", async () => {
  const clock = testClock();
  let tries = 0;
  let away = true;
  const lines: string[] = [];
  const put = () => {
    tries += 1;
    if (away) throw new Error("denied");
  };
  const firehose = createFirehose({ ...fresh(), log: (line) => lines.push(line) }, put, clock);
  await declare(firehose);
  await take(firehose, '{"prefix":"07"}');
  let over = false;
  const flushed = firehose.flush().then(() => {
    over = true;
  });
  // Zipping takes its time before the first try: hours pass for as long as it is not over, but not for ever.
  for (let hour = 0; !over && hour < 10_000; hour += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (tries > 0) clock.advance(3_600_000);
  }
  await flushed;
  assert.ok(tries >= 24, `${tries} tries in a day of one an hour at least`);
  assert.equal(lines.at(-1), "stream archive: 1 records could not be delivered to archive and are lost");
  away = false;
  const before = tries;
  await firehose.flush();
  assert.equal(tries, before);
  await firehose.close();
});

test("a partition is delivered as soon as it has the buffer's size", async () => {
  const puts: Put[] = [];
  const firehose = createFirehose(fresh(), (bucket, key, body) => puts.push({ bucket, key, body }), testClock());
  await declare(firehose, {
    bucketArn: "arn:aws:s3:::archive",
    prefix: "p/",
    bufferingSize: 1,
    bufferingInterval: 900,
  });
  const big = "x".repeat(400_000);
  for (let i = 0; i < 3; i += 1)
    await call(firehose, "PutRecord", { DeliveryStreamName: "archive", Record: record(big) });
  await firehose.flush();
  assert.deepEqual(
    puts.map(({ body }) => body.length),
    [1_200_000],
  );
  assert.match(puts[0]!.key, /^p\/2026\/01\/01\/00\/archive-1-2026-01-01-00-00-00-[0-9a-f-]{36}$/);
  await firehose.close();
});

test("a record without its partition key goes to the error prefix, with its bytes", async () => {
  const puts: Put[] = [];
  const firehose = createFirehose(fresh(), (bucket, key, body) => puts.push({ bucket, key, body }), testClock());
  await declare(firehose);
  await take(firehose, "no json", '{"other":1}', '{"prefix":null}');
  await firehose.flush();
  assert.equal(puts.length, 1);
  assert.match(puts[0]!.key, /^failed\/metadata-extraction-failed\/2026\/01\/01\/00\//);
  const lines = puts[0]!.body
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { rawData: string; errorCode: string });
  assert.deepEqual(
    lines.map(({ rawData, errorCode }) => [Buffer.from(rawData, "base64").toString(), errorCode]),
    [
      ["no json", "DynamicPartitioning.MetadataExtractionFailed"],
      ['{"other":1}', "DynamicPartitioning.MetadataExtractionFailed"],
      ['{"prefix":null}', "DynamicPartitioning.MetadataExtractionFailed"],
    ],
  );
  await firehose.close();
});

test("a key is found wherever it stands, also behind a text that names it", async () => {
  const puts: Put[] = [];
  const firehose = createFirehose(fresh(), (bucket, key, body) => puts.push({ bucket, key, body }), testClock());
  await declare(firehose);
  await take(
    firehose,
    '{"a":"\\"prefix\\":\\"no\\"","b":{"prefix":"no"},"prefix":"yes"}',
    '{ "n" : -1.5e3 , "t":true, "prefix" : "é" , "x":1}',
  );
  await firehose.flush();
  assert.deepEqual(puts.map(({ key }) => /prefix=([^/]*)/.exec(key)?.[1]).sort(), ["yes", "é"]);
  await firehose.close();
});

test("after a kill, records not yet delivered are delivered, and delivered ones are not repeated", async () => {
  const context = fresh();
  const puts: string[] = [];
  const clock = testClock();
  const put = (_bucket: string, _key: string, body: Buffer) => puts.push(gunzipSync(body).toString());
  const first = createFirehose(context, put, clock);
  await declare(first);
  await take(first, '{"prefix":"01","n":"delivered"}');
  await first.flush();
  await take(first, '{"prefix":"01","n":"buffered"}');
  // Not closed: nothing but what has been written counts.
  const second = createFirehose(context, put, clock);
  await declare(second);
  await second.flush();
  assert.deepEqual(puts, ['{"prefix":"01","n":"delivered"}', '{"prefix":"01","n":"buffered"}']);
  await second.close();
});

test("records go to a refusing bucket again until it takes them", async () => {
  const clock = testClock();
  let refusals = 2;
  const puts: string[] = [];
  const firehose = createFirehose(
    fresh(),
    (_bucket, key) => {
      refusals -= 1;
      if (refusals >= 0) throw new Error("503 SlowDown");
      puts.push(key);
    },
    clock,
  );
  await declare(firehose, { ...partitioned, compressionFormat: "UNCOMPRESSED" });
  await take(firehose, '{"prefix":"01"}');
  clock.advance(60_000);
  while (puts.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5_000);
  }
  assert.equal(refusals, -1);
  await firehose.close();
});

test("records and batches over the limits are refused, through the SDK", async () => {
  const served = await serve(async (context) => {
    const firehose = createFirehose(context, () => {});
    await declare(firehose);
    return [firehose];
  });
  const client = new FirehoseClient({ ...clientOf(served.endpoint), maxAttempts: 1 });
  const one = (bytes: number) => ({ Data: new Uint8Array(bytes) });
  const batch = (Records: { Data: Uint8Array }[]) =>
    client.send(new PutRecordBatchCommand({ DeliveryStreamName: "archive", Records }));
  const limit = 1_000 * 1024;
  assert.match(
    (await client.send(new PutRecordCommand({ DeliveryStreamName: "archive", Record: one(limit) }))).RecordId ?? "",
    /^[A-Za-z0-9+/]{64}$/,
  );
  await assert.rejects(client.send(new PutRecordCommand({ DeliveryStreamName: "archive", Record: one(limit + 1) })), {
    name: "InvalidArgumentException",
  });
  await assert.rejects(batch([one(limit), one(limit), one(limit), one(limit), one(200_000)]), {
    name: "InvalidArgumentException",
  });
  await assert.rejects(batch(Array.from({ length: 501 }, () => one(1))), { name: "InvalidArgumentException" });
  await assert.rejects(batch([]), { name: "InvalidArgumentException" });
  await assert.rejects(client.send(new PutRecordCommand({ DeliveryStreamName: "nowhere", Record: one(1) })), {
    name: "ResourceNotFoundException",
    message: "Firehose nowhere under account 000000000000 not found.",
  });
  client.destroy();
  await served.close();
});

const refusals: readonly (readonly [change: Inputs, message: string])[] = [
  [{ compressionFormat: "Snappy" }, 'compressionFormat "Snappy" is not supported'],
  [{ bufferingSize: 5 }, "bufferingSize 5 is out of range"],
  [{ bufferingInterval: 0 }, "bufferingInterval 0 is out of range"],
  [{ bufferingInterval: 901 }, "bufferingInterval 901 is out of range"],
  [{ prefix: "x/" }, "dynamic partitioning needs a prefix with !{partitionKeyFromQuery:…}"],
  [{ prefix: "!{partitionKeyFromQuery:other}/" }, 'the prefix uses the partition key "other", which no query gives'],
  [
    { dataFormatConversionConfiguration: { enabled: true } },
    'the local platform does not support "extendedS3Configuration.dataFormatConversionConfiguration"',
  ],
];
for (const [change, message] of refusals) {
  test(`a stream with ${JSON.stringify(change)} is refused by name`, async () => {
    const firehose = createFirehose(fresh(), () => {});
    await assert.rejects(declare(firehose, { ...partitioned, ...change }), {
      message: `aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream "archive": ${message}`,
    });
  });
}

test("a metadata query in other jq is refused, quoted", async () => {
  const firehose = createFirehose(fresh(), () => {});
  const processor = {
    type: "MetadataExtraction",
    parameters: [{ parameterName: "MetadataExtractionQuery", parameterValue: "{p:.a|ascii_downcase}" }],
  };
  await assert.rejects(
    declare(firehose, { ...partitioned, processingConfiguration: { enabled: true, processors: [processor] } }),
    { message: "the local platform reads metadata queries like {key:.member} alone, not {p:.a|ascii_downcase}" },
  );
});

test.run();
