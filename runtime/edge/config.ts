/** Lambda@Edge has no environment variables: this travels as `config.json` inside the function's archive. */
export interface EdgeConfig {
  readonly keys_table: string;
  /** Regions that hold a replica of the keys table, nearest-first choice is the edge's. */
  readonly keys_regions: readonly string[];
  /** Name or ARN of the pepper secret, replicated to the same regions. */
  readonly pepper_secret: string;
}
