import jsonPointer from "json-pointer";

/**
 * The scanner's stack: the array or object that is open at each level, and the member names of each open object so far.
 *
 * Few names are compared by a hash of their bytes, in one array for all levels; an object with many, or with an escape
 * in one (equal names can then differ in bytes), gets a `Set` of the texts. So a repeated name is found at any level
 * and in linear time, also when an attacker chooses names whose hashes collide. Levels past the limit are only counted.
 */

/** The outermost object or array of an event is level 1. */
export const MAX_DEPTH = 64;

/** More names than this in one object, and a `Set` takes over. */
const FEW = 24;

const NOTHING = Buffer.alloc(0);

export class NameSet {
  private body: Buffer = NOTHING;
  /** Per name: hash, start, end. Names of the open objects, outermost first. */
  private entries = new Int32Array(3 * 256);
  /** Per level: where its names begin among the entries, and where they end. */
  private readonly first = new Int32Array(MAX_DEPTH + 2);
  private readonly last = new Int32Array(MAX_DEPTH + 2);
  /** Per level: members or elements so far; of an array the index of the current one follows from it. */
  private readonly size = new Int32Array(MAX_DEPTH + 2);
  private readonly sets: (Set<string> | undefined)[] = [];
  /** Per level, without limit, since a body of 1 MB can open a million: 1 for an object; 1 once something is in it. */
  private objects = new Uint8Array(MAX_DEPTH + 2);
  private started = new Uint8Array(MAX_DEPTH + 2);

  /** Made anew for another body. One set serves all scans of an instance, for its arrays cost more than a small scan. */
  begin(body: Buffer): this {
    this.body = body;
    this.sets.fill(undefined);
    return this;
  }

  /** Lets go of the body. */
  end(): void {
    this.body = NOTHING;
    this.sets.fill(undefined);
  }

  open(depth: number, object: boolean): void {
    if (depth >= this.objects.length) this.grow();
    this.objects[depth] = object ? 1 : 0;
    this.started[depth] = 0;
    if (depth > MAX_DEPTH) return;
    const from = depth === 1 ? 0 : this.last[depth - 1]!;
    this.first[depth] = from;
    this.last[depth] = from;
    this.size[depth] = 0;
  }

  /** To be called for every level that was opened, the outermost too. @returns the level below, the current one again */
  close(depth: number): number {
    if (depth <= MAX_DEPTH && this.sets[depth] !== undefined) this.sets[depth] = undefined;
    return depth - 1;
  }

  inObject(depth: number): boolean {
    return this.objects[depth] === 1;
  }

  begun(depth: number): boolean {
    return this.started[depth] === 1;
  }

  /** Another element of the array at this level. */
  next(depth: number): void {
    this.started[depth] = 1;
    if (depth <= MAX_DEPTH) this.size[depth]! += 1;
  }

  /** Another member, its name between these offsets; the hash is of its bytes. Answers whether the object has had it. */
  add(depth: number, start: number, end: number, hash: number, escaped: boolean): boolean {
    this.started[depth] = 1;
    if (depth > MAX_DEPTH) return false;
    const { body, entries } = this;
    const from = this.first[depth]!;
    const to = this.last[depth]!;
    let repeated = false;
    const set = this.sets[depth];
    if (set !== undefined || escaped || to - from >= 3 * FEW) {
      const known = set ?? this.promote(depth);
      const text = this.text(start, end, escaped);
      repeated = known.has(text);
      known.add(text);
      // The set knows the names: only the last one's place is still needed, for the pointer of a fault inside it.
      this.last[depth] = from + 3;
      this.store(from, hash, start, end);
      return repeated;
    }
    for (let i = from; i < to && !repeated; i += 3) {
      if (entries[i] === hash) repeated = body.compare(body, entries[i + 1]!, entries[i + 2]!, start, end) === 0;
    }
    this.last[depth] = to + 3;
    this.store(to, hash, start, end);
    return repeated;
  }

  private promote(depth: number): Set<string> {
    const set = new Set<string>();
    for (let i = this.first[depth]!; i < this.last[depth]!; i += 3) {
      set.add(this.text(this.entries[i + 1]!, this.entries[i + 2]!, false));
    }
    this.sets[depth] = set;
    return set;
  }

  private store(at: number, hash: number, start: number, end: number): void {
    if (at + 3 > this.entries.length) {
      const larger = new Int32Array(this.entries.length * 2);
      larger.set(this.entries);
      this.entries = larger;
    }
    this.entries[at] = hash;
    this.entries[at + 1] = start;
    this.entries[at + 2] = end;
  }

  private grow(): void {
    const longer = (array: Uint8Array): Uint8Array<ArrayBuffer> => {
      const result = new Uint8Array(array.length * 2);
      result.set(array);
      return result;
    };
    this.objects = longer(this.objects);
    this.started = longer(this.started);
  }

  /** JSON Pointer (RFC 6901) of the value that is being read at this level. */
  pointer(depth: number): string {
    const steps: string[] = [];
    for (let level = 1; level <= Math.min(depth, MAX_DEPTH); level += 1) {
      const at = this.last[level]!;
      steps.push(
        this.inObject(level)
          ? this.text(this.entries[at - 2]!, this.entries[at - 1]!, true)
          : String(this.size[level]! - 1),
      );
    }
    return jsonPointer.compile(steps);
  }

  /** The text of a string between its quotes. */
  text(start: number, end: number, escaped: boolean): string {
    return escaped
      ? (JSON.parse(this.body.toString("utf8", start - 1, end + 1)) as string)
      : this.body.toString("utf8", start, end);
  }
}
