import { DeleteObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { mapConcurrently } from "../domain/concurrently.ts";
import { defined } from "../domain/defined.ts";

const AT_ONCE = 16;

/**
 * Removes objects under a prefix, a page of the listing after the other.
 * @param isOld by its key, whether an object goes
 * @param goesOn asked after each page, with the number of its objects that stay: whether to look at the next page
 * @returns how many were removed
 */
export async function removeObjects(
  s3: S3Client,
  bucket: string,
  prefix: string,
  isOld: (key: string) => boolean,
  goesOn: (kept: number) => boolean = () => true,
): Promise<number> {
  let removed = 0;
  let after: string | undefined;
  do {
    const { Contents = [], IsTruncated } = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...defined({ StartAfter: after }) }),
    );
    const old = Contents.filter(({ Key }) => isOld(Key!));
    await mapConcurrently(old, AT_ONCE, ({ Key }) => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key })));
    removed += old.length;
    after = IsTruncated === true && goesOn(Contents.length - old.length) ? Contents.at(-1)?.Key : undefined;
  } while (after !== undefined);
  return removed;
}
