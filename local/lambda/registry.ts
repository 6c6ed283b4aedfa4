import { evaluate, type Statement } from "../iamPolicy.ts";
import { ServiceError } from "../service.ts";
import { type DeclaredFunction, functionNameOf } from "./declared.ts";
import type { LambdaFunction, Outcome } from "./function.ts";

/** The functions of the program, with their permissions and URLs. */
export interface Entry {
  readonly settings: DeclaredFunction;
  readonly lambda: LambdaFunction;
  /** Who may invoke it: its resource-based policy. */
  readonly permissions: Statement[];
}

export class Registry {
  readonly #functions = new Map<string, Entry>();
  /** By domain. */
  readonly #urls = new Map<string, Entry>();
  /** Answers of `mayCallUrl`, by function and distribution. */
  readonly #permitted = new Map<string, boolean>();
  /** Regions that are cut off. */
  readonly #away = new Set<string>();
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  all(): readonly Entry[] {
    return [...this.#functions.values()];
  }

  /** @param nameOrArn of the function, a version or an alias @throws ServiceError when there is no such function */
  get(nameOrArn: string): Entry {
    const entry = this.#functions.get(functionNameOf(nameOrArn));
    if (entry === undefined) {
      throw new ServiceError("ResourceNotFoundException", `Function not found: ${nameOrArn}`, 404);
    }
    return entry;
  }

  has(name: string): boolean {
    return this.#functions.has(name);
  }

  add(entry: Entry): void {
    this.#functions.set(entry.settings.name, entry);
  }

  permit(entry: Entry, statement: Statement): void {
    entry.permissions.push(statement);
    this.#permitted.clear();
  }

  /** @throws Error when the function has a URL already */
  addUrl(domain: string, entry: Entry): void {
    if (this.#urls.has(domain)) throw new Error(`the function ${entry.settings.name} has a URL already`);
    this.#urls.set(domain, entry);
  }

  /** Those that have a URL. */
  withUrl(): readonly Entry[] {
    return [...this.#urls.values()];
  }

  /** The function whose URL this domain is. */
  atUrl(domain: string): Entry | undefined {
    return this.#urls.get(domain);
  }

  /** Where the lines of a log group lie, and when its function ran last; by the group's name. */
  logs(): ReadonlyMap<string, { readonly path: string; readonly ranAt: number | undefined }> {
    const one = ({ settings, lambda }: Entry) =>
      [settings.logGroup, { path: settings.logFile, ranAt: lambda.ranAt }] as const;
    return new Map(this.all().map(one));
  }

  cutOff(region: string, off: boolean): void {
    if (off) this.#away.add(region);
    else this.#away.delete(region);
  }

  /** Whether the function's region is cut off. */
  isAway({ settings }: Entry): boolean {
    return this.#away.has(settings.region);
  }

  /** Starts a function for another service. @throws ServiceError where its own policy does not let that service for this source */
  async invokeBy(service: string, sourceArn: string, functionArn: string, event: unknown): Promise<Outcome> {
    const entry = this.get(functionArn);
    this.#requirePermission(entry, service, sourceArn);
    return entry.lambda.invoke({ event });
  }

  #requirePermission(entry: Entry, service: string, sourceArn: string): void {
    const key = `${entry.settings.name}\n${service}\n${sourceArn}`;
    const action = "lambda:InvokeFunction";
    const resource = entry.settings.arn;
    const context = { "aws:sourcearn": sourceArn, "aws:principalservicename": service };
    const known = this.#permitted.get(key) ?? evaluate(entry.permissions, { action, resource, context }) === "allow";
    this.#permitted.set(key, known);
    if (known) return;
    const denied = `${service} (${sourceArn}) is not authorized to perform: ${action} on resource: ${resource}`;
    this.#log(`AccessDenied ${denied}`);
    throw new ServiceError("AccessDenied", denied, 403);
  }

  /** Both permissions that a Function URL behind a distribution needs (since October 2025 the second one as well). */
  mayCallUrl(entry: Entry, sourceArn: string): boolean {
    const key = `${entry.settings.name}\n${sourceArn}`;
    const known = this.#permitted.get(key);
    if (known !== undefined) return known;
    const asked = {
      "aws:sourcearn": sourceArn,
      "aws:principalservicename": "cloudfront.amazonaws.com",
      "lambda:functionurlauthtype": "AWS_IAM",
      "lambda:invokedviafunctionurl": "true",
    };
    const resource = entry.settings.arn;
    const missing = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"].filter(
      (action) => evaluate(entry.permissions, { action, resource, context: asked }) !== "allow",
    );
    for (const action of missing) {
      this.#log(
        `AccessDenied cloudfront.amazonaws.com (${sourceArn}) is not authorized to perform: ${action} on resource: ${resource}`,
      );
    }
    this.#permitted.set(key, missing.length === 0);
    return missing.length === 0;
  }
}
