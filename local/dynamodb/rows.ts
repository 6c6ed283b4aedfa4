import { Stream } from "node:stream";
import type { ValueStream } from "./dynaliteTypes.ts";

/** A stream of the oldest kind, which is what dynalite's reader of streams takes without reading twice. */
export class Rows extends Stream implements ValueStream {
  #destroyed = false;

  /** @param rows starts once listeners are there */
  constructor(rows: () => Iterable<unknown>) {
    super();
    queueMicrotask(() => {
      for (const row of rows()) {
        if (this.#destroyed) return;
        this.emit("data", row);
      }
      this.emit("end");
    });
  }

  destroy(): void {
    this.#destroyed = true;
  }
}
