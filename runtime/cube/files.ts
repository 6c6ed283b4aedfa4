import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

/** The cube's files in S3. */
export interface CubeFiles {
  /** Undefined where there is none. */
  get(key: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined>;
  /** Puts it in place of the one that was got, or of none. @returns false when another came in between */
  put(key: string, bytes: Uint8Array, instead: string | undefined): Promise<boolean>;
}

const CONFLICTS: ReadonlySet<string> = new Set(["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"]);

export const cubeFilesIn = (s3: S3Client, Bucket: string): CubeFiles => ({
  async get(Key) {
    try {
      const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return { bytes: await Body!.transformToByteArray(), etag: ETag! };
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  },
  async put(Key, Body, instead) {
    const condition = instead === undefined ? { IfNoneMatch: "*" } : { IfMatch: instead };
    try {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }));
      return true;
    } catch (error) {
      if (CONFLICTS.has((error as Error).name)) return false;
      throw error;
    }
  },
});
