import { createRequire } from "node:module";
import { LRUCache } from "lru-cache";
import type { Action, Done, Dynalite, Store } from "./dynaliteTypes.ts";
import { pageReader } from "./queryTable.ts";

/**
 * The parts of dynalite that know DynamoDB: checks of arguments with AWS's messages, expressions, and what each action does. They ask
 * a store for tables, items and index entries; ours is `storage.ts`, in place of dynalite's LevelDB.
 */
const require = createRequire(import.meta.url);

interface Validation {
  readonly types: unknown;
  readonly custom: unknown;
}
interface Validations {
  checkTypes(args: unknown, types: unknown): unknown;
  checkValidations(args: unknown, types: unknown, custom: unknown, store: Store): void;
}

export const helpers = require("dynalite/db") as Dynalite;
helpers.queryTable = pageReader(helpers);
const validations = require("dynalite/validations") as Validations;

interface Parser {
  parse(text: string, options: object): object | string;
}
// Parsing a projection of 130 names takes a third of a millisecond, and the same few come with every page that is read.
const projections = require("dynalite/db/projectionParser") as Parser;
const parsed = new LRUCache<string, object | string>({ max: 100 });
const { parse } = projections;
projections.parse = (text, options) => {
  // A name such as #at means what the call says that it does.
  if (text.includes("#")) return parse(text, options);
  const known = parsed.get(text) ?? parse(text, options);
  parsed.set(text, known);
  return known;
};

/** Answered here; each a file of dynalite's. */
const ACTIONS = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DescribeTable",
  "GetItem",
  "ListTables",
  "PutItem",
  "Query",
  "Scan",
  "UpdateItem",
] as const;

const lowerFirst = (name: string): string => name[0]!.toLowerCase() + name.slice(1);

const loaded = new Map(
  ACTIONS.map((name) => [
    name as string,
    {
      run: require(`dynalite/actions/${lowerFirst(name)}`) as Action,
      validation: require(`dynalite/validations/${lowerFirst(name)}`) as Validation,
    },
  ]),
);

/** A refusal of dynalite's: what DynamoDB would answer. */
export interface Refusal extends Error {
  readonly statusCode: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Checks the arguments, then acts. @throws Refusal, or hands one to `done` */
export function perform(store: Store, action: string, args: unknown, done: Done<unknown>): void {
  const { run, validation } = loaded.get(action)!;
  const checked = validations.checkTypes(args, validation.types);
  validations.checkValidations(checked, validation.types, validation.custom, store);
  run(store, checked, done);
}

export const isKnown = (action: string): boolean => loaded.has(action);
