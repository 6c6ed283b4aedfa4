/**
 * The messages that may be received, first in first out within a message group, groups taking turns: so one busy group does
 * not keep the others waiting (SQS "fair queues" on standard queues). Messages without a group share one turn.
 */
export class FairQueue<T> {
  #groups = new Map<string, { items: T[]; head: number }>();
  #turns: string[] = [];
  #turn = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(group: string, item: T): void {
    let queue = this.#groups.get(group);
    if (queue === undefined) {
      queue = { items: [], head: 0 };
      this.#groups.set(group, queue);
      this.#turns.push(group);
    }
    queue.items.push(item);
    this.#size += 1;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    if (this.#turn >= this.#turns.length) this.#turn = 0;
    const group = this.#turns[this.#turn]!;
    const queue = this.#groups.get(group)!;
    const item = queue.items[queue.head]!;
    queue.head += 1;
    this.#size -= 1;
    if (queue.head === queue.items.length) {
      this.#groups.delete(group);
      // The last group takes the freed turn: constant time, and a turn sooner or later is all that changes.
      const last = this.#turns.pop()!;
      if (last !== group) this.#turns[this.#turn] = last;
    } else {
      if (queue.head > 1024 && queue.head * 2 > queue.items.length) {
        queue.items = queue.items.slice(queue.head);
        queue.head = 0;
      }
      this.#turn += 1;
    }
    return item;
  }

  clear(): void {
    this.#groups.clear();
    this.#turns = [];
    this.#turn = 0;
    this.#size = 0;
  }
}
