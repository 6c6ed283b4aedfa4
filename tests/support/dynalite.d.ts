declare module "dynalite" {
  import type { Server } from "node:http";
  /** dynalite ships no types: only what the tests start of it. */
  export default function dynalite(options?: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
