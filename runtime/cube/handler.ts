import { S3Client } from "@aws-sdk/client-s3";
import { clientsOver } from "../aws/clients.ts";
import { log } from "../aws/log.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import { minutesOf } from "../counters/hours.ts";
import { queryMetrics } from "../counters/metrics.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { MetricsAnswer } from "../domain/metrics/answer.ts";
import type { CubeRequest, Folded } from "../domain/metrics/cube.ts";
import { hourOf } from "../domain/metrics/hours.ts";
import { cubeVariables } from "./environment.ts";
import { cubeFilesIn } from "./files.ts";
import { foldHour } from "./fold.ts";
import { cubeReaderOf } from "./read.ts";

const env = readEnvironment(cubeVariables);
const { dynamodb } = clientsOver(signedCalls(settingsHere(10_000)));
const counters = { dynamodb, name: env.METRICS_TABLE };
const files = cubeFilesIn(
  new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined }),
  env.CUBE_BUCKET,
);
const readCube = cubeReaderOf(files);

/** Takes an hour in, or answers a query: invoked by the hourly job and by those who answer queries. */
export async function handler(request: CubeRequest): Promise<Folded | MetricsAnswer> {
  const started = Date.now();
  if (request.op === "fold") {
    const hour = Date.parse(request.hour);
    const folded = await foldHour(files, request.tenant, hour, hourOf(await minutesOf(counters, request.tenant, hour)));
    log("info", "cube.folded", { ...request, ...folded, duration_ms: Date.now() - started });
    return folded;
  }
  const { tenant, limit_per_second, query, now, workflows, waiting_since } = request;
  const answer = await queryMetrics(
    {
      counters,
      now: () => now,
      workflows: async () => new Map(workflows),
      waitingSince: async () => waiting_since,
      cube: { read: readCube },
    },
    { tenant, limit_per_second },
    query,
  );
  log("info", "cube.queried", { tenant, duration_ms: Date.now() - started });
  return answer;
}
