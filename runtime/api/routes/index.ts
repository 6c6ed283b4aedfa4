import type { Api, Deps } from "../deps.ts";
import * as customers from "./customers.ts";
import * as health from "./health.ts";
import * as keys from "./keys.ts";

/** Every module of routes, in the order in which the documentation shows them. */
export const routes: readonly ((app: Api, deps: Deps) => void)[] = [keys.register, customers.register, health.register];
