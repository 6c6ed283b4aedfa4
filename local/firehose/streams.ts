import { join } from "node:path";
import { crc32 } from "node:zlib";
import { firehoseBytesPerSecondIn } from "../account.ts";
import type { Clock } from "../clock.ts";
import { DurableFile } from "../durable.ts";
import { readOldJournal, sayDamage } from "../oldJournal.ts";
import { type LocalContext, ServiceError } from "../service.ts";
import type { StreamSettings } from "./declared.ts";
import { DeliveryStream, INSERT_RECORD, type Numbers, type PutObject, RECORDS, recordsOf } from "./stream.ts";

/** All delivery streams, and what the actions of Firehose do with them. */
const MAX_RECORD_BYTES = 1_000 * 1024;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_RECORDS = 500;

type Args = Readonly<Record<string, unknown>>;

const refuse = (code: string, message: string): ServiceError => new ServiceError(code, message);

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

export class Streams {
  readonly #context: LocalContext;
  readonly #put: PutObject;
  readonly #clock: Clock;
  /** By region and name. */
  readonly #streams = new Map<string, DeliveryStream>();
  readonly #file: DurableFile;
  readonly #numbers: Numbers;

  constructor(context: LocalContext, put: PutObject, clock: Clock) {
    this.#context = context;
    this.#put = put;
    this.#clock = clock;
    this.#file = new DurableFile(join(context.state, "firehose", "streams.sqlite"), RECORDS, {
      what: "the archive's streams",
      withoutIt: "the hourly comparison of table and archive puts the events back that they held",
      row: "records",
      log: context.log,
    });
    const { last } = this.#file.get("SELECT max(seq) AS last FROM records") as { last: number | null };
    this.#numbers = { next: (last ?? 0) + 1 };
  }

  /** The stream that the program declares, with the records that an earlier run has left. */
  declare(region: string, settings: StreamSettings): void {
    const { name } = settings;
    const known = this.#streams.get(`${region}/${name}`);
    if (known !== undefined) {
      known.settings = settings;
      return;
    }
    this.#takeOver(region, name);
    const place = { file: this.#file, name: `${region}/${name}`, numbers: this.#numbers };
    const stream = new DeliveryStream(settings, place, this.#put, this.#clock, this.#context.log);
    this.#streams.set(`${region}/${name}`, stream);
    if (stream.buffered > 0) this.#context.log(`stream ${name}: ${stream.buffered} records from the last run`);
  }

  /** What an earlier version kept in a journal. */
  #takeOver(region: string, name: string): void {
    const old = readOldJournal(join(this.#context.state, "firehose", region, name));
    if (old === undefined) return;
    this.#file.now(() => {
      for (const { at, data } of recordsOf(old))
        this.#file.run(INSERT_RECORD, this.#numbers.next++, `${region}/${name}`, at, crc32(data), data);
    });
    sayDamage(`stream ${name}`, old, this.#context.log);
    old.remove();
  }

  /** @throws ServiceError where there is none */
  find(name: unknown, region: string): DeliveryStream {
    const stream = this.#streams.get(`${region}/${String(name)}`);
    if (stream === undefined)
      throw refuse(
        "ResourceNotFoundException",
        `Firehose ${String(name)} under account ${this.#context.accountId} not found.`,
      );
    return stream;
  }

  async putRecord(args: Args, region: string): Promise<unknown> {
    const stream = this.find(args.DeliveryStreamName, region);
    const data = dataOf(args.Record);
    this.#admit(stream, region, [data]);
    return { RecordId: await stream.take(data), Encrypted: false };
  }

  describe(args: Args, region: string): unknown {
    const { name, arn } = this.find(args.DeliveryStreamName, region).settings;
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

  async putBatch(args: Args, region: string): Promise<unknown> {
    const stream = this.find(args.DeliveryStreamName, region);
    const records = (args.Records ?? []) as readonly unknown[];
    if (records.length === 0 || records.length > MAX_BATCH_RECORDS)
      throw refuse(
        "InvalidArgumentException",
        `1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length between 1 and ${MAX_BATCH_RECORDS}`,
      );
    const data = records.map(dataOf);
    if (data.reduce((sum, { length }) => sum + length, 0) > MAX_BATCH_BYTES)
      throw refuse("InvalidArgumentException", `Records size exceeds ${MAX_BATCH_BYTES} bytes.`);
    this.#admit(stream, region, data);
    const ids = await Promise.all(data.map((one) => stream.take(one)));
    return { FailedPutCount: 0, Encrypted: false, RequestResponses: ids.map((RecordId) => ({ RecordId })) };
  }

  /** @throws ServiceError when the stream has no room left in this second */
  #admit({ settings }: DeliveryStream, region: string, data: readonly Buffer[]): void {
    const { name: DeliveryStreamName } = settings;
    const bytes = data.reduce((sum, { length }) => sum + length, 0);
    this.#context.metrics?.record("AWS/Firehose", "IncomingBytes", { DeliveryStreamName }, bytes);
    const room = bytes * (firehoseBytesPerSecondIn("us-east-1") / firehoseBytesPerSecondIn(region));
    if (this.#context.account?.admit("firehoseBytesPerSecond", `${region}/${DeliveryStreamName}`, room) === false)
      throw new ServiceError("ServiceUnavailableException", "Slow down.", 503);
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.flush()));
  }

  breakDelivery(giveUpAfterMs: number): { lost(): number; mend(): void } {
    const all = [...this.#streams.values()];
    const before = all.reduce((sum, { lost }) => sum + lost, 0);
    for (const stream of all) stream.broken = { giveUpAfterMs };
    return {
      lost: () => all.reduce((sum, { lost }) => sum + lost, 0) - before,
      mend() {
        for (const stream of all) stream.broken = undefined;
      },
    };
  }

  async scrub(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.settled()));
    this.#file.scrub();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.close()));
    this.#file.close();
  }
}
