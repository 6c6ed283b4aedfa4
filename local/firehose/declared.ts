import { list, optional } from "../declared.ts";
import type { Inputs, ResourceRequest } from "../service.ts";

/** A delivery stream to S3, read from `aws:kinesis/firehoseDeliveryStream`. */
export interface StreamSettings {
  readonly name: string;
  readonly arn: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly errorPrefix: string;
  readonly bufferBytes: number;
  readonly bufferMs: number;
  readonly gzip: boolean;
  readonly extension: string;
  /** A line feed after each record. */
  readonly delimiter: boolean;
  /** Partition keys by name: the path of the member each is read from. Undefined without dynamic partitioning. */
  readonly keys: ReadonlyMap<string, readonly string[]> | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_BUFFER_MIB = 5;
const DEFAULT_BUFFER_SECONDS = 300;
/** Least buffer that AWS takes with dynamic partitioning. */
const LEAST_PARTITIONED_MIB = 64;

const SUPPORTED = new Set(
  "roleArn bucketArn prefix errorOutputPrefix bufferingSize bufferingInterval compressionFormat kmsKeyArn cloudwatchLoggingOptions dynamicPartitioningConfiguration processingConfiguration fileExtension customTimeZone s3BackupMode".split(
    " ",
  ),
);

/** `{name:.member, other:.member.inner}`: the one form of jq that the stand-in reads. @throws Error quoting any other */
function readQuery(query: string): Map<string, readonly string[]> {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(query)?.[1];
  const keys = new Map<string, readonly string[]>();
  for (const member of (inner ?? "").split(",")) {
    const match = /^\s*"?([A-Za-z_]\w*)"?\s*:\s*((?:\.[A-Za-z_]\w*)+)\s*$/.exec(member);
    if (match === null)
      throw new Error(`the local platform reads metadata queries like {key:.member} alone, not ${query}`);
    keys.set(match[1]!, match[2]!.slice(1).split("."));
  }
  return keys;
}

/** @throws Error naming what is not supported, or what AWS would refuse */
export function readStream({ type, name, inputs }: ResourceRequest, physical: string, arn: string): StreamSettings {
  const refuse = (what: string): Error => new Error(`${type} "${name}": ${what}`);
  if (inputs.destination !== "extended_s3")
    throw refuse(`the local platform delivers to "extended_s3", not "${String(inputs.destination)}"`);
  const s3 = list(inputs.extendedS3Configuration)[0] ?? {};
  for (const [member, value] of Object.entries(s3)) {
    if (value !== undefined && !SUPPORTED.has(member))
      throw refuse(`the local platform does not support "extendedS3Configuration.${member}"`);
  }
  if (s3.customTimeZone !== undefined && s3.customTimeZone !== "UTC")
    throw refuse(`customTimeZone "${String(s3.customTimeZone)}" is not supported`);
  if (s3.s3BackupMode === "Enabled") throw refuse('s3BackupMode "Enabled" is not supported');
  const compression = s3.compressionFormat ?? "UNCOMPRESSED";
  if (compression !== "GZIP" && compression !== "UNCOMPRESSED")
    throw refuse(`compressionFormat "${String(compression)}" is not supported`);
  const { keys, delimiter } = readProcessors(s3, refuse);
  const size =
    optional(s3, "bufferingSize", "number") ?? (keys === undefined ? DEFAULT_BUFFER_MIB : LEAST_PARTITIONED_MIB);
  const interval = optional(s3, "bufferingInterval", "number") ?? DEFAULT_BUFFER_SECONDS;
  if (size < (keys === undefined ? 1 : LEAST_PARTITIONED_MIB) || size > 128)
    throw refuse(`bufferingSize ${size} is out of range`);
  // Source: Firehose Developer Guide, "Buffer data for dynamic partitioning": there is no zero buffering with it.
  if (interval < (keys === undefined ? 0 : 1) || interval > 900)
    throw refuse(`bufferingInterval ${interval} is out of range`);
  const prefix = optional(s3, "prefix", "string") ?? "";
  const used = [...prefix.matchAll(/!\{partitionKeyFromQuery:([^}]*)\}/g)].map((match) => match[1]!);
  const unknown = used.find((key) => keys?.has(key) !== true);
  if (unknown !== undefined) throw refuse(`the prefix uses the partition key "${unknown}", which no query gives`);
  if (keys !== undefined && used.length === 0)
    throw refuse("dynamic partitioning needs a prefix with !{partitionKeyFromQuery:…}");
  return {
    name: physical,
    arn,
    bucket: String(s3.bucketArn).replace(/^arn:aws:s3:::/, ""),
    prefix,
    errorPrefix: optional(s3, "errorOutputPrefix", "string") ?? "!{firehose:error-output-type}/",
    bufferBytes: size * MIB,
    bufferMs: interval * 1000,
    gzip: compression === "GZIP",
    extension: optional(s3, "fileExtension", "string") ?? (compression === "GZIP" ? ".gz" : ""),
    delimiter,
    keys,
  };
}

function readProcessors(
  s3: Inputs,
  refuse: (what: string) => Error,
): { keys: StreamSettings["keys"]; delimiter: boolean } {
  const partitioned = list(s3.dynamicPartitioningConfiguration)[0]?.enabled === true;
  const processing = list(s3.processingConfiguration)[0];
  let keys: Map<string, readonly string[]> | undefined;
  let delimiter = false;
  for (const { type, parameters } of processing?.enabled === true ? list(processing.processors) : []) {
    const given = new Map(
      list(parameters).map(({ parameterName, parameterValue }) => [String(parameterName), String(parameterValue)]),
    );
    if (type === "AppendDelimiterToRecord") delimiter = true;
    else if (type === "MetadataExtraction") keys = readQuery(given.get("MetadataExtractionQuery") ?? "");
    else throw refuse(`the local platform has no processor "${String(type)}"`);
  }
  if (partitioned && keys === undefined) throw refuse("dynamic partitioning needs a MetadataExtraction processor");
  return { keys: partitioned ? keys : undefined, delimiter };
}
