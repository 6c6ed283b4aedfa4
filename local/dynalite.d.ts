declare module "dynalite" {
  import type { Server } from "node:http";
  /** @param options `path`: LevelDB folder; the `…Ms`: how long tables stay in a passing state */
  export default function dynalite(options: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
