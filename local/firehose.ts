import { join } from "node:path";
import { crc32 } from "node:zlib";
import { firehoseBytesPerSecondIn } from "./account.ts";
import { type Clock, systemClock } from "./clock.ts";
import { onlySupports, physicalName, regionOf } from "./declared.ts";
import { DurableFile } from "./durable.ts";
import { readStream } from "./firehose/declared.ts";
import { DeliveryStream, INSERT_RECORD, type Numbers, type PutObject, RECORDS, recordsOf } from "./firehose/stream.ts";
import { jsonAnswer, jsonRefusal, readJsonCall } from "./jsonProtocol.ts";
import { readOldJournal, sayDamage } from "./oldJournal.ts";
import { type Created, type LocalContext, type LocalService, type ResourceRequest, ServiceError } from "./service.ts";

/** Amazon Data Firehose on one machine: direct puts, buffered by size and time, partitioned, compressed, delivered to S3. */
const MAX_RECORD_BYTES = 1_000 * 1024;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_RECORDS = 500;

export interface FirehoseService extends LocalService {
  /** Delivers what every stream has buffered, now. */
  flush(): Promise<void>;
  /**
   * For tests: from now on the bucket refuses objects, and records that could not be delivered for this number of milliseconds are given up.
   * @returns how many records were given up so far, and what mends it again
   */
  breakDelivery(giveUpAfterMs: number): { lost(): number; mend(): void };
}

const refuse = (code: string, message: string): ServiceError => new ServiceError(code, message);

export function createFirehose(context: LocalContext, put: PutObject, clock: Clock = systemClock): FirehoseService {
  /** By region and name. */
  const streams = new Map<string, DeliveryStream>();
  const file = new DurableFile(join(context.state, "firehose", "streams.sqlite"), RECORDS, {
    what: "the archive's streams",
    withoutIt: "the hourly comparison of table and archive puts the events back that they held",
    row: "records",
    log: context.log,
  });
  const { last } = file.get("SELECT max(seq) AS last FROM records") as { last: number | null };
  const numbers: Numbers = { next: (last ?? 0) + 1 };

  async function createStream(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "name destination extendedS3Configuration serverSideEncryption arn versionId destinationId");
    const name = physicalName(request);
    const region = regionOf(request, context);
    const arn = `arn:aws:firehose:${region}:${context.accountId}:deliverystream/${name}`;
    const settings = readStream(request, name, arn);
    const known = streams.get(`${region}/${name}`);
    context.metrics?.gauge("AWS/Firehose", "BytesPerSecondLimit", { DeliveryStreamName: name }, () =>
      firehoseBytesPerSecondIn(region),
    );
    if (known === undefined) {
      takeOver(region, name);
      const place = { file, name: `${region}/${name}`, numbers };
      const stream = new DeliveryStream(settings, place, put, clock, context.log);
      streams.set(`${region}/${name}`, stream);
      if (stream.buffered > 0) context.log(`stream ${name}: ${stream.buffered} records from the last run`);
    } else known.settings = settings;
    return {
      id: arn,
      state: { ...request.inputs, name, arn, destinationId: "destinationId-000000000001", versionId: "1" },
    };
  }

  /** What an earlier version kept in a journal. */
  function takeOver(region: string, name: string): void {
    const old = readOldJournal(join(context.state, "firehose", region, name));
    if (old === undefined) return;
    file.now(() => {
      for (const { at, data } of recordsOf(old))
        file.run(INSERT_RECORD, numbers.next++, `${region}/${name}`, at, crc32(data), data);
    });
    sayDamage(`stream ${name}`, old, context.log);
    old.remove();
  }

  function find(name: unknown, region: string): DeliveryStream {
    const stream = streams.get(`${region}/${String(name)}`);
    if (stream === undefined)
      throw refuse(
        "ResourceNotFoundException",
        `Firehose ${String(name)} under account ${context.accountId} not found.`,
      );
    return stream;
  }

  function dataOf(record: unknown): Buffer {
    const { Data } = (record ?? {}) as { Data?: string };
    if (typeof Data !== "string") throw refuse("InvalidArgumentException", "Record data must not be null.");
    const data = Buffer.from(Data, "base64");
    if (data.length > MAX_RECORD_BYTES)
      throw refuse(
        "InvalidArgumentException",
        `Record size ${data.length} is larger than the ${MAX_RECORD_BYTES} bytes allowed.`,
      );
    return data;
  }

  async function answer(action: string, args: Readonly<Record<string, unknown>>, region: string): Promise<unknown> {
    const stream = find(args.DeliveryStreamName, region);
    const { name: DeliveryStreamName } = stream.settings;
    /** @throws ServiceError when the stream takes no more in this second */
    const incoming = (data: readonly Buffer[]): void => {
      const bytes = data.reduce((sum, { length }) => sum + length, 0);
      context.metrics?.record("AWS/Firehose", "IncomingBytes", { DeliveryStreamName }, bytes);
      const room = bytes * (firehoseBytesPerSecondIn("us-east-1") / firehoseBytesPerSecondIn(region));
      if (context.account?.admit("firehoseBytesPerSecond", `${region}/${DeliveryStreamName}`, room) === false)
        throw new ServiceError("ServiceUnavailableException", "Slow down.", 503);
    };
    if (action === "PutRecord") {
      const data = dataOf(args.Record);
      incoming([data]);
      return { RecordId: await stream.take(data), Encrypted: false };
    }
    if (action === "DescribeDeliveryStream") {
      const { name, arn } = stream.settings;
      return {
        DeliveryStreamDescription: {
          DeliveryStreamName: name,
          DeliveryStreamARN: arn,
          DeliveryStreamStatus: "ACTIVE",
          DeliveryStreamType: "DirectPut",
          VersionId: "1",
          Destinations: [],
          HasMoreDestinations: false,
        },
      };
    }
    const records = (args.Records ?? []) as readonly unknown[];
    if (records.length === 0 || records.length > MAX_BATCH_RECORDS)
      throw refuse(
        "InvalidArgumentException",
        `1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length between 1 and ${MAX_BATCH_RECORDS}`,
      );
    const data = records.map(dataOf);
    if (data.reduce((sum, { length }) => sum + length, 0) > MAX_BATCH_BYTES)
      throw refuse("InvalidArgumentException", `Records size exceeds ${MAX_BATCH_BYTES} bytes.`);
    incoming(data);
    const ids = await Promise.all(data.map((one) => stream.take(one)));
    return { FailedPutCount: 0, Encrypted: false, RequestResponses: ids.map((RecordId) => ({ RecordId })) };
  }

  const known = new Set(["PutRecord", "PutRecordBatch", "DescribeDeliveryStream"]);

  return {
    resources: { "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": createStream },
    api: {
      name: "firehose",
      authorizations(call) {
        const { action, args } = readJsonCall(call);
        if (!known.has(action))
          throw refuse("UnknownOperationException", `The local platform does not answer firehose:${action}.`);
        return [{ action: `firehose:${action}`, resources: [find(args.DeliveryStreamName, call.region).settings.arn] }];
      },
      async call(call) {
        try {
          const { action, args } = readJsonCall(call);
          return jsonAnswer(await answer(action, args, call.region));
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async flush() {
      await Promise.all([...streams.values()].map((stream) => stream.flush()));
    },
    breakDelivery(giveUpAfterMs) {
      const all = [...streams.values()];
      const before = all.reduce((sum, { lost }) => sum + lost, 0);
      for (const stream of all) stream.broken = { giveUpAfterMs };
      return {
        lost: () => all.reduce((sum, { lost }) => sum + lost, 0) - before,
        mend() {
          for (const stream of all) stream.broken = undefined;
        },
      };
    },
    async scrub() {
      await Promise.all([...streams.values()].map((stream) => stream.settled()));
      file.scrub();
    },
    async close() {
      await Promise.all([...streams.values()].map((stream) => stream.close()));
      file.close();
    },
  };
}
