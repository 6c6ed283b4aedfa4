/** Reads the archive bucket of a running platform, as an engineer would with the AWS SDK. */
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { AwsAccess } from "../../platform/state.ts";

export class ArchiveReader {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #since: Date;
  readonly #seen = new Set<string>();
  #text = "";

  /** @param since objects written before are not read */
  constructor(access: AwsAccess, bucket: string, since: Date) {
    this.#client = new S3Client(access);
    this.#bucket = bucket;
    this.#since = since;
  }

  /** All archived lines so far. */
  async read(): Promise<string> {
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, ContinuationToken: token }),
      );
      for (const { Key, LastModified } of page.Contents ?? []) {
        if (Key === undefined || this.#seen.has(Key) || (LastModified ?? this.#since) < this.#since) continue;
        this.#seen.add(Key);
        const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
        this.#text += gunzipSync(bytes).toString("utf8");
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return this.#text;
  }

  close(): void {
    this.#client.destroy();
  }
}
