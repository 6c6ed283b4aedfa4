/**
 * `npm run pages [-- console|docs] [-- --stack NAME]`: builds the pages of console and documentation, where they have changed, and puts
 * them where the distribution reads them.
 *
 *   npm run pages                     the platform that runs here; `npm start` does it by itself
 *   npm run pages -- docs             the documentation alone
 *   npm run pages -- --stack prod     a stack in AWS, with the credentials of the shell and the Pulumi CLI
 *
 * What has a hash in its name goes first and stays, so that a page somebody has open finds its parts; the pages themselves go last.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { readArguments } from "../local/arguments.ts";
import { mapConcurrently } from "../runtime/domain/concurrently.ts";
import type { Page } from "./builtPages.ts";
import { stateFolder } from "./gateway.ts";
import { Refusal, stoppedBy } from "./refusal.ts";
import { type Deployment, localDeployment, pulumiDeployment } from "./verify/deployment.ts";

/** Puts under way at once: one where the platform runs on the same machine, so that its callers are answered in between. */
const AT_ONCE = { there: 8, here: 1 } as const;

/** Waits for its turn where `npm start` runs this, whose callers go first (local/product/pages.ts). */
async function turn(): Promise<void> {
  if (process.send === undefined) return;
  const told = once(process, "message");
  process.send("next");
  await told;
}

type Put = (key: string, body: string | Uint8Array, contentType: string, cacheControl: string) => Promise<void>;

/**
 * What each kind of pages is built by. Loaded when it is wanted: each brings a whole tool with it.
 * @param early gets what can be served before the rest is built
 */
type Builder = (early: (pages: readonly Page[]) => Promise<void>) => Promise<readonly Page[]>;
const builders: Readonly<Record<string, Builder>> = {
  console: async () => (await import("../console/build.ts")).buildPages(),
  docs: async (early) => (await import("../docs/site/build.ts")).buildPages(early),
};

async function putAll(pages: readonly Page[], put: Put, atOnce: number): Promise<void> {
  const one = ({ file, key, contentType, cacheControl }: Page) =>
    put(key, readFileSync(file), contentType, cacheControl);
  const [first, last] = [pages.filter(({ hashed }) => hashed), pages.filter(({ hashed }) => !hashed)];
  for (const part of [first, last]) await mapConcurrently(part, atOnce, one);
}

/** What the documentation may name of this platform: on one machine the receiver of webhooks. */
const hereOf = ({ outputs }: Deployment, sinkUrl: string | undefined): string =>
  JSON.stringify({ url: outputs.url, sink_url: sinkUrl });

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    options: { stack: { type: "string" }, sink: { type: "string" } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !Object.hasOwn(builders, name));
  if (unknown !== undefined)
    throw new Refusal(`there are no pages "${unknown}", but ${Object.keys(builders).join(", ")}`);
  const deployment =
    values.stack === undefined
      ? localDeployment(stateFolder())
      : pulumiDeployment(values.stack, join(import.meta.dirname, ".."));
  const bucket = deployment.outputs.pagesBucket;
  if (typeof bucket !== "string")
    throw new Refusal(
      "the stack has no output pagesBucket: it is a region without the edge, or was deployed by an earlier version",
    );
  const isHere = values.stack === undefined;
  const s3 = new S3Client({ ...deployment.client, forcePathStyle: isHere });
  const atOnce = isHere ? AT_ONCE.here : AT_ONCE.there;
  const put: Put = async (Key, Body, ContentType, CacheControl) => {
    await turn();
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType, CacheControl }));
  };
  for (const name of positionals.length === 0 ? Object.keys(builders) : positionals) {
    if (name === "docs") await put("docs/here.json", hereOf(deployment, values.sink), "application/json", "no-cache");
    const pages = await builders[name]!(async (texts) => {
      await putAll(texts, put, atOnce);
      // local/product/pages.ts waits for this line.
      process.stdout.write(`the texts of ${name} are in ${bucket}\n`);
    });
    await putAll(pages, put, atOnce);
    process.stdout.write(`${pages.length} files of ${name} are in ${bucket}\n`);
  }
}

main()
  .catch((cause: unknown) => {
    process.stderr.write(`${stoppedBy(cause)}\n`);
    process.exitCode = 1;
  })
  // A tool that built pages may hold what keeps a process running.
  .finally(() => process.exit());
