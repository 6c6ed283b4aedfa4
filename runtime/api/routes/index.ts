import type { Api, Deps } from "../deps.ts";
import * as health from "./health.ts";

/** Every module of routes, in the order in which the documentation shows them. */
export const routes: readonly ((app: Api, deps: Deps) => void)[] = [health.register];
