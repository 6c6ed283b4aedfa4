/**
 * Runs the Pulumi program on this machine: every resource that it registers is created on a stand-in, and its outputs
 * go back to the program, so that dependencies resolve as they do in a deployment.
 */
import { pathToFileURL } from "node:url";
import type { runtime } from "@pulumi/pulumi";
import { answerDataSource } from "./dataSources.ts";
import { createWithoutEffect, isWithoutEffect } from "./noEffect.ts";
import { pulumi } from "./pulumi.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

export interface ProgramOptions {
  /** Path of the program, `index.ts`. */
  readonly entry: string;
  readonly project: string;
  /** Name of the stack, in full where another names it. */
  readonly stack: string;
  /** Ends the names of its resources. @default nothing */
  readonly suffix?: string;
  /** Configuration with its namespace: `triggers:retentionDays`. */
  readonly config: Readonly<Record<string, string>>;
  readonly services: readonly LocalService[];
  readonly context: LocalContext;
  /** What other stacks have told. @default no other stack may be named */
  told?(stack: string): ProgramOutputs;
  /** Resources of the last deployment: those that are unchanged are left as they are. @default empty, a first deployment */
  readonly standing?: Standing;
  /** Looks at each resource that has been created. @throws Error when AWS would refuse it, or would fail with it later */
  examine?(request: ResourceRequest, created: Created): void;
  /** Told of each resource as it comes up. */
  onCreated?(request: ResourceRequest): void;
  /** Told of everything that the program declares, with what came of it. */
  onDeclared?(declared: DeclaredResource): void;
}

/** A resource as a stack's state has it. */
export interface DeclaredResource {
  readonly stack: string;
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The program's exports, resolved. */
export type ProgramOutputs = Readonly<Record<string, unknown>>;

/** Resources of earlier runs, by stack, type and name. */
export type Standing = Map<string, { readonly inputs: string; readonly created: Created }>;

/** A program runs when it is imported: every run is an import of its own. */
let runs = 0;

type Creator = (request: ResourceRequest) => Promise<Created>;

function creatorsOf(services: readonly LocalService[]): Map<string, Creator> {
  const creators = new Map<string, Creator>();
  for (const service of services) {
    for (const [type, create] of Object.entries(service.resources)) {
      if (creators.has(type)) throw new Error(`two local services create ${type}`);
      creators.set(type, create);
    }
  }
  return creators;
}

/**
 * @returns the program's exports once every resource stands
 * @throws Error of the first resource that could not be created, naming its type and name
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramOutputs> {
  const { suffix = "", standing = new Map() } = options;
  const region = options.config["aws:region"] ?? options.context.region;
  const context = { ...options.context, region };
  const creators = creatorsOf(options.services);
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  function declared({ type, name, inputs }: ResourceRequest, created: Created): Created {
    const { code: _, ...outputs } = { ...inputs, ...created.state };
    options.onDeclared?.({ stack: options.stack, type, name, id: created.id, outputs });
    return created;
  }

  /** What this run has declared, `type::name`: an engine refuses a second one of the same URN, mocks don't mind. */
  const registered = new Set<string>();

  async function newResource(args: runtime.MockResourceArgs): Promise<{ id: string; state: object }> {
    const { type, name, inputs } = args;
    const create = creators.get(type);
    try {
      const label = `${type}::${name}`;
      if (args.custom !== false && registered.has(label))
        throw new Error(`Duplicate resource URN ${label}; try giving it a unique name`);
      registered.add(label);
      if (type === "pulumi:pulumi:StackReference") return { id: name, state: { ...inputs, ...reference(name) } };
      const given = plain(inputs) as ResourceRequest["inputs"];
      // Stand-ins take their own region for granted; a stack of another one says so, as its provider would.
      const request: ResourceRequest = {
        type,
        name: `${name}${suffix}`,
        inputs: region === options.context.region ? given : { region, ...given },
      };
      const key = `${options.stack} ${type} ${name}`;
      const { code: _, ...compared } = request.inputs;
      const text = JSON.stringify(compared);
      const known = standing.get(key);
      if (known?.inputs === text) return known.created;
      if (known !== undefined) throw new Error("the local platform can't change a resource while it runs");
      if (create !== undefined) {
        const created = await create(request);
        options.examine?.(request, created);
        standing.set(key, { inputs: text, created });
        options.onCreated?.(request);
        return declared(request, created);
      }
      if (isWithoutEffect(type)) {
        const created = createWithoutEffect(request, context);
        options.examine?.(request, created);
        return declared(request, created);
      }
      if (args.custom === false && !type.startsWith("awsx:")) return { id: name, state: {} };
      throw new Error(
        `the local platform has no stand-in for this type (a service of local/, or the table local/noEffect.ts)`,
      );
    } catch (cause) {
      const error = new Error(`${type} "${name}": ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
      fail(error);
      throw error;
    }
  }

  function reference(stack: string): { outputs: ProgramOutputs; secretOutputNames: string[] } {
    if (options.told === undefined) throw new Error(`the program names the stack ${stack}, and it is the only one`);
    return { outputs: options.told(stack), secretOutputNames: [] };
  }

  await pulumi.runtime.setMocks(
    {
      newResource: newResource as runtime.Mocks["newResource"],
      call: ({ token, inputs }) => call(token, inputs),
    },
    options.project,
    options.stack.split("/").at(-1)!,
    false,
  );
  async function call(token: string, inputs: Record<string, unknown>): Promise<Record<string, unknown>> {
    try {
      return answerDataSource(token, inputs, context);
    } catch (cause) {
      fail(cause as Error);
      throw cause;
    }
  }
  pulumi.runtime.setAllConfig({ ...options.config });

  const unhandled = (reason: unknown) => fail(reason instanceof Error ? reason : new Error(String(reason)));
  process.on("unhandledRejection", unhandled);
  try {
    const run = async (): Promise<ProgramOutputs> => {
      const module = (await import(`${pathToFileURL(options.entry).href}?run=${++runs}`)) as Record<string, unknown>;
      // As Pulumi does: a default export stands for all exports.
      const program = (module.default ?? module) as Record<string, unknown>;
      await pulumi.runtime.disconnect();
      const outputs = await Promise.all(
        Object.entries(program).map(async ([key, value]) => [key, await resolved(value)]),
      );
      return Object.fromEntries(outputs) as ProgramOutputs;
    };
    return await Promise.race([run(), failed]);
  } finally {
    // What depended on the resource that failed goes on rejecting for a while after the program has been given up.
    setImmediate(() => setTimeout(() => process.off("unhandledRejection", unhandled), 1_000).unref());
  }
}

/** How Pulumi's wire format marks a secret, and what the mark of a secret is. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** The value without the marks of secrets: a provider, too, gets to see what they hold. Assets stay as they are. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members = value as Record<string, unknown>;
  if (members[SIGNATURE] === SECRET) return plain(members.value);
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, plain(member)]));
}

const resolved = (value: unknown): Promise<unknown> =>
  new Promise((resolve) => {
    pulumi.output(value as string).apply((known: unknown) => resolve(known));
  });
