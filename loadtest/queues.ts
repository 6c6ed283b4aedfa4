import { GetQueueAttributesCommand, paginateListQueues, SQSClient } from "@aws-sdk/client-sqs";
import type { Chart } from "./report.ts";
import type { Target } from "./target.ts";

export interface QueueDepths {
  stop(): Chart[];
}

/**
 * Messages waiting in each of the platform's queues, once a second until stopped: those that may be received, and those
 * whose delay is not over. Queues that stay empty are left out; without access to them (see `Target.aws`) there is no chart.
 */
export async function startQueueDepths(target: Target): Promise<QueueDepths> {
  if (target.aws === undefined) return { stop: () => [] };
  const client = new SQSClient(target.aws);
  const urls: string[] = [];
  for await (const page of paginateListQueues({ client }, {})) urls.push(...(page.QueueUrls ?? []));
  const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1).replace(/-[0-9a-f]{7}$/, "");
  const started = Date.now();
  const points = new Map(urls.map((url) => [url, [] as [number, number][]]));

  const read = async (): Promise<void> => {
    const at = (Date.now() - started) / 1_000;
    await Promise.all(
      urls.map(async (url) => {
        const { Attributes } = await client.send(
          new GetQueueAttributesCommand({
            QueueUrl: url,
            AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
          }),
        );
        const waiting = Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
        points.get(url)?.push([at, waiting]);
      }),
    );
  };
  let reading = false;
  const timer = setInterval(() => {
    if (reading) return;
    reading = true;
    // A reading that fails, as under overload it may, is left out.
    read()
      .catch(() => {})
      .finally(() => {
        reading = false;
      });
  }, 1_000);
  return {
    stop: () => {
      clearInterval(timer);
      const series = urls
        .map((url) => ({ name: nameOf(url), points: points.get(url) ?? [] }))
        .filter((line) => line.points.some(([, waiting]) => waiting > 0));
      return series.length === 0 ? [] : [{ title: "Messages waiting", unit: "messages", series }];
    },
  };
}
