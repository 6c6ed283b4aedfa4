import { type Application, generateHelpTextForAllCommands } from "@stricli/core";
import type { Context } from "./run.ts";

/** The help of every command, by its name: for what checks and documents them. */
export const helpOfAll = (app: Application<Context>): readonly (readonly [name: string, help: string])[] =>
  generateHelpTextForAllCommands(app as never);
