/** `npm run demo`: real webhook payloads through the running platform, and the proof that nothing was changed or lost. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { administratorOf, type GatewayFile, type LocalFile } from "../platform/state.ts";
import { ArchiveReader } from "./demo/archive.ts";
import { ApiClient } from "./demo/client.ts";
import { type DemoRow, runDemo } from "./demo/flow.ts";

const state = process.env.TRIGGERS_STATE ?? ".triggers";

function read<T>(name: string): T {
  try {
    return JSON.parse(readFileSync(join(state, name), "utf8")) as T;
  } catch {
    process.stderr.write(`There is no running platform in ${state}: start one with "npm start" in another terminal.\n`);
    process.exit(1);
  }
}

const local = read<LocalFile>("local.json");
const gateway = read<GatewayFile>("gateway.json");
const archive = new ArchiveReader(administratorOf(gateway), String(gateway.outputs.archiveBucket), new Date());
const started = performance.now();
const rows: DemoRow[] = await runDemo({
  api: new ApiClient(local.url, local.api_key),
  sinkUrl: local.sink_url,
  archive,
  run: Date.now().toString(36),
  patienceMs: 60_000,
}).catch((cause: Error) => {
  const refused = (cause.cause as { code?: string } | undefined)?.code === "ECONNREFUSED";
  process.stderr.write(
    refused ? `The platform at ${local.url} does not answer: start it with "npm start".\n` : `${cause.stack}\n`,
  );
  process.exit(1);
});
archive.close();

const width = Math.max(...rows.map(({ what }) => what.length));
for (const { what, expected, found } of rows) {
  process.stdout.write(
    `${found === expected ? "ok  " : "FAIL"} ${what.padEnd(width)} ${String(found).padStart(5)} of ${expected}\n`,
  );
}
const good = rows.every(({ expected, found }) => found === expected);
process.stdout.write(
  `${good ? "All as sent" : "Not all as sent"}, in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`,
);
process.exit(good ? 0 : 1);
