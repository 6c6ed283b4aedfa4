declare module "dynalite" {
  import type { Server } from "node:http";
  /** @param options the `…Ms`: how long tables stay in a passing state */
  export default function dynalite(options: {
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
