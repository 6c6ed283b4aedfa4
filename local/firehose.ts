import { firehoseBytesPerSecondIn } from "./account.ts";
import { type Clock, systemClock } from "./clock.ts";
import { onlySupports, physicalName, regionOf } from "./declared.ts";
import { readStream } from "./firehose/declared.ts";
import type { PutObject } from "./firehose/stream.ts";
import { Streams } from "./firehose/streams.ts";
import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/** Amazon Data Firehose on one machine: direct puts, buffered by size and time, partitioned, compressed, delivered to S3. */
export interface FirehoseService extends LocalService {
  /** Delivers what every stream has buffered, now. */
  flush(): Promise<void>;
  /**
   * For tests: from now on the bucket refuses objects, and records that could not be delivered for this number of milliseconds are given up.
   * @returns how many records were given up so far, and what mends it again
   */
  breakDelivery(giveUpAfterMs: number): { lost(): number; mend(): void };
}

export function createFirehose(context: LocalContext, put: PutObject, clock: Clock = systemClock): FirehoseService {
  const streams = new Streams(context, put, clock);
  const actions: Readonly<Record<string, (args: Readonly<Record<string, unknown>>, region: string) => unknown>> = {
    PutRecord: (args, region) => streams.putRecord(args, region),
    PutRecordBatch: (args, region) => streams.putBatch(args, region),
    DescribeDeliveryStream: (args, region) => streams.describe(args, region),
  };

  async function createStream(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "name destination extendedS3Configuration serverSideEncryption arn versionId destinationId");
    const name = physicalName(request);
    const region = regionOf(request, context);
    const arn = `arn:aws:firehose:${region}:${context.accountId}:deliverystream/${name}`;
    const settings = readStream(request, name, arn);
    context.metrics?.gauge("AWS/Firehose", "BytesPerSecondLimit", { DeliveryStreamName: name }, () =>
      firehoseBytesPerSecondIn(region),
    );
    streams.declare(region, settings);
    return {
      id: arn,
      state: { ...request.inputs, name, arn, destinationId: "destinationId-000000000001", versionId: "1" },
    };
  }

  return {
    resources: { "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": createStream },
    api: {
      name: "firehose",
      authorizations(call) {
        const { action, args } = readJsonCall(call);
        if (!Object.hasOwn(actions, action)) throw unknownAction("firehose", action);
        return [
          {
            action: `firehose:${action}`,
            resources: [streams.find(args.DeliveryStreamName, call.region).settings.arn],
          },
        ];
      },
      async call(call) {
        try {
          const { action, args } = readJsonCall(call);
          return jsonAnswer(await actions[action]!(args, call.region));
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    flush: () => streams.flush(),
    breakDelivery: (giveUpAfterMs) => streams.breakDelivery(giveUpAfterMs),
    scrub: () => streams.scrub(),
    close: () => streams.close(),
  };
}
