/**
 * What an account may do: AWS's default quotas, or a share of them, so that a load of thousands of events a second is rehearsed with a
 * few. Unless a share is given, calls pass unlimited, since one machine does less than any account allows.
 */
import { type Bucket, fill } from "./bucket.ts";
import { type Clock, systemClock } from "./clock.ts";

/** AWS's defaults for an ordinary account, with the page each number is from. */
export const ACCOUNT_QUOTAS = {
  /** Requests a second that Lambda@Edge takes in one region. Source: CloudFront Developer Guide, "Quotas", Lambda@Edge. */
  edgeRequestsPerSecond: 10_000,
  /** Environments at once of all functions of a region, those at the edge among them. Source: "Lambda quotas". */
  lambdaConcurrency: 1_000,
  /** Environments that one function may add every 10 seconds. Source: Lambda, "Understanding Lambda function scaling". */
  lambdaScalingPer10s: 1_000,
  /** A standard mapping of a queue: invocations at once in the beginning, more a minute, and at most. Source: Lambda, "SQS, scaling". */
  pollerStart: 5,
  pollerRampPerMinute: 300,
  pollerMax: 1_250,
  /** Messages of a queue that were received and not deleted yet. Source: "Amazon SQS message quotas". */
  sqsInFlight: 120_000,
  /** Write units a second: of a table by the account's limit, of a new on-demand table, of a partition. Source: DynamoDB quotas. */
  tableWriteUnits: 40_000,
  tableWarmWriteUnits: 4_000,
  partitionWriteUnits: 1_000,
  /** Read units a second of a partition and of a new on-demand table. */
  partitionReadUnits: 3_000,
  tableWarmReadUnits: 12_000,
  /** Bytes a second into a stream. Source: "Amazon Data Firehose Quota"; a fifth outside of three regions. */
  firehoseBytesPerSecond: 5 * 2 ** 20,
  /** Cryptographic operations with symmetric keys a second. Source: KMS, "Request quotas", us-east-1. */
  kmsRequestsPerSecond: 20_000,
} as const;

/** Bytes a second that one stream takes by PutRecordBatch in a region. Source: "Amazon Data Firehose Quota", Direct PUT. */
export const firehoseBytesPerSecondIn = (region: string): number =>
  ACCOUNT_QUOTAS.firehoseBytesPerSecond / (["us-east-1", "us-west-2", "eu-west-1"].includes(region) ? 1 : 5);

export type AccountQuota = keyof typeof ACCOUNT_QUOTAS;

/** How long a bucket may have been left alone and give all of that at once, seconds. DynamoDB keeps up to five minutes, not promised. */
const BURST_SECONDS: Partial<Record<AccountQuota, number>> = { tableWarmWriteUnits: 5, tableWarmReadUnits: 5 };

/** Quotas that count over another time than a second, seconds. */
const PER_SECONDS: Partial<Record<AccountQuota, number>> = { lambdaScalingPer10s: 10 };

/** When a quota was met, and how often. */
export interface Felt {
  /** Seconds since the platform was ready. */
  readonly second: number;
  readonly times: number;
}

export class Account {
  /** Share of AWS's defaults that this account has. */
  readonly share: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  /** Requests beyond the defaults, by quota and key. */
  readonly #raised = new Map<string, number>();
  readonly #felt = new Map<AccountQuota, { second: number; times: number; bySecond: Map<number, number> }>();
  #since: number;
  #running = 0;
  #kept = 0;

  /** @throws RangeError for an invalid share */
  constructor(share: number, clock: Clock = systemClock) {
    if (!(share > 0 && share <= 1)) throw new RangeError(`a share of quotas is above 0 and at most 1, not ${share}`);
    this.share = share;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Seconds count from now on, and what was felt before is forgotten: starting up is no load. */
  begin(): void {
    this.#since = this.#clock.now();
    this.#felt.clear();
  }

  /** What this account has of a quota; counts are at least one. */
  of(quota: AccountQuota): number {
    return Math.max(1, ACCOUNT_QUOTAS[quota] * this.share);
  }

  /** Gives one key of a quota more than the default, before any load. @param to as in an account with all of AWS's quotas */
  raise(quota: AccountQuota, key: string, to: number): void {
    this.#raised.set(`${quota} ${key}`, to);
  }

  /** Whether there is anything left of a rate, for this key: a table, a partition, a stream. */
  has(quota: AccountQuota, key: string): boolean {
    return this.#bucket(quota, key).level > 0;
  }

  /** Takes units of a rate; units taken beyond the supply are a debt, and further units are given only once it is paid. */
  take(quota: AccountQuota, key: string, units: number): void {
    this.#bucket(quota, key).level -= units;
  }

  /** Takes units if there is anything left, and notes that the quota was met if not. */
  admit(quota: AccountQuota, key: string, units: number): boolean {
    if (!this.has(quota, key)) {
      this.feel(quota);
      return false;
    }
    this.take(quota, key, units);
    return true;
  }

  /** Takes environments out of what all functions share, for one of them. @returns how many, by this account's share */
  keep(reserved: number): number {
    const kept = Math.max(1, Math.floor(reserved * this.share));
    this.#kept += kept;
    return kept;
  }

  /** Takes one of the environments that all functions share, if one is left. */
  enter(): boolean {
    if (this.#running >= Math.floor(this.of("lambdaConcurrency")) - this.#kept) {
      this.feel("lambdaConcurrency");
      return false;
    }
    this.#running += 1;
    return true;
  }

  /** Gives it back. */
  leave(): void {
    this.#running -= 1;
  }

  /** Notes that a quota has held something back. */
  feel(quota: AccountQuota): void {
    const second = Math.floor((this.#clock.now() - this.#since) / 1_000);
    const known = this.#felt.get(quota) ?? { second, times: 0, bySecond: new Map<number, number>() };
    known.times += 1;
    known.bySecond.set(second, (known.bySecond.get(second) ?? 0) + 1);
    this.#felt.set(quota, known);
  }

  /** Every quota that was met, the first one first. */
  felt(): ReadonlyMap<AccountQuota, Felt & { readonly bySecond: ReadonlyMap<number, number> }> {
    return new Map([...this.#felt].sort(([, a], [, b]) => a.second - b.second || b.times - a.times));
  }

  /** What was met so far, as `quotas.json` tells it: how often each quota held something back, by second since `since`. */
  told(): { readonly share: number; readonly since: number; readonly felt: Readonly<Record<string, object>> } {
    const felt = Object.fromEntries(
      [...this.felt()].map(([quota, { bySecond }]) => [quota, Object.fromEntries(bySecond)]),
    );
    return { share: this.share, since: this.#since, felt };
  }

  #bucket(quota: AccountQuota, key: string): Bucket {
    const name = `${quota} ${key}`;
    const per = PER_SECONDS[quota] ?? 1;
    const raised = this.#raised.get(name);
    const rate = (raised === undefined ? this.of(quota) : Math.max(1, raised * this.share)) / per;
    const burst = rate * (BURST_SECONDS[quota] ?? per);
    const now = this.#clock.now();
    const bucket = this.#buckets.get(name) ?? { level: burst, at: now };
    fill(bucket, rate, burst, now);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}
