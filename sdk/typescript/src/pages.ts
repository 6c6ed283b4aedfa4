/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/**
 * A list that is read page by page, as far as one iterates.
 * @example for await (const event of triggers.inbox({ event_type: "order.*" })) console.log(event.event_id);
 */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #read: (cursor: string | undefined) => Promise<Page<Item>>;
  readonly #from: string | undefined;

  constructor(read: (cursor: string | undefined) => Promise<Page<Item>>, from: string | undefined) {
    this.#read = read;
    this.#from = from;
  }

  /** Page by page, each with the cursor of the next. A page may be empty and still not the last. */
  async *pages(): AsyncGenerator<Page<Item>, void, void> {
    for (let cursor = this.#from; ; ) {
      const page = await this.#read(cursor);
      yield page;
      if (page.nextCursor === null) return;
      cursor = page.nextCursor;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    for await (const { items } of this.pages()) yield* items;
  }

  /** The first so many, or all where there are fewer. */
  async take(count: number): Promise<Item[]> {
    const taken: Item[] = [];
    if (count < 1) return taken;
    for await (const item of this) if (taken.push(item) >= count) break;
    return taken;
  }
}
