/**
 * `npm run pages [-- --stack NAME]`: builds the console's pages, where they have changed, and puts them where the distribution reads them.
 *
 *   npm run pages                     the platform that runs here; `npm start` does it by itself
 *   npm run pages -- --stack prod     a stack in AWS, with the credentials of the shell and the Pulumi CLI
 *
 * What has a hash in its name goes first and stays, so that a page somebody has open finds its parts; the page itself goes last.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { buildPages, type Page } from "../console/build.ts";
import { localDeployment, pulumiDeployment } from "./verify/deployment.ts";

const AT_ONCE = 8;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { stack: { type: "string" } } });
  const state = process.env.TRIGGERS_STATE ?? ".triggers";
  const deployment =
    values.stack === undefined
      ? localDeployment(state)
      : pulumiDeployment(values.stack, join(import.meta.dirname, ".."));
  const bucket = deployment.outputs.pagesBucket;
  if (typeof bucket !== "string")
    throw new Error("the stack has no output pagesBucket: it holds no edge, or was deployed by an earlier version");
  const pages = await buildPages();
  const s3 = new S3Client({ ...deployment.client, forcePathStyle: values.stack === undefined });
  const put = async ({ file, key, contentType, cacheControl }: Page) => {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: readFileSync(file),
        ContentType: contentType,
        CacheControl: cacheControl,
      }),
    );
  };
  const [first, last] = [pages.filter(({ hashed }) => hashed), pages.filter(({ hashed }) => !hashed)];
  for (let at = 0; at < first.length; at += AT_ONCE) await Promise.all(first.slice(at, at + AT_ONCE).map(put));
  for (const page of last) await put(page);
  process.stdout.write(`${pages.length} files are in ${bucket}\n`);
}

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
});
