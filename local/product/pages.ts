/**
 * The pages of console and documentation beside the platform: built and put into their bucket by processes of their own, each once. The
 * console's come first; the documentation's begin when those are there, or as soon as somebody asks for one. Putting an object takes a
 * millisecond or two of the main thread, so each waits until nobody is being answered, unless somebody waits for the page.
 */
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { join } from "node:path";
import { quietDoor } from "../lambda/machine.ts";

/** What a program reads needs no tool to be built, and is there first: pages as Markdown, the lists of them. */
const TEXT = /\.(md|txt|json)$/;
/** What operations/pages.ts says once they are. */
const TEXTS_ARE_THERE = /^the texts of \w+ are in /m;

/** Folders of the bucket. */
const sites = ["console", "docs"] as const;
type SiteName = (typeof sites)[number];

/** Accepting and delivering go first: a build takes the spare time of the processors. */
const NICENESS = 15;

export interface PagesBeside {
  /** Begins to build all pages; resolves when they are there. */
  ready(): Promise<void>;
  /** Resolves when an object is there, or would be: a text before the pages. @param key of the object */
  filled(key: string): Promise<void>;
  stop(): void;
}

/** Pages on their way into the bucket. */
interface Putting {
  readonly texts: Promise<void>;
  readonly all: Promise<void>;
}

/**
 * @param state folder of the running platform
 * @param sinkUrl of the receiver, once there is one: pages name it
 * @param script what builds and puts the pages of one site, told of its turn to put each
 */
export function pagesBeside(
  state: string,
  log: (line: string) => void,
  sinkUrl: () => string | undefined,
  script = join(import.meta.dirname, "../../operations/pages.ts"),
): PagesBeside {
  const children = new Set<ReturnType<typeof spawn>>();
  const putting = new Map<SiteName, Putting>();
  const wanted = new Map(sites.map((name) => [name, Promise.withResolvers<void>()]));
  let stopped = false;
  const put = (name: SiteName, textsAreThere: () => void): Promise<void> =>
    new Promise((resolve) => {
      if (stopped) return resolve();
      let said = "";
      const sink = sinkUrl();
      const child = spawn(process.execPath, [script, name, ...(sink === undefined ? [] : ["--sink", sink])], {
        env: { ...process.env, TRIGGERS_STATE: state, NODE_OPTIONS: "" },
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      });
      children.add(child);
      if (child.pid !== undefined && process.env.TRIGGERS_ACCEPT_FIRST !== "no") stepBack(child.pid);
      child.on("message", () =>
        Promise.race([quietDoor(), wanted.get(name)!.promise]).then(() => child.send("go", () => {})),
      );
      child.stdout!.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (TEXTS_ARE_THERE.test(said)) textsAreThere();
      });
      child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
      child.on("close", (code) => {
        children.delete(child);
        if (code !== 0 && code !== null) log(`the pages of ${name} could not be built: ${said.trim()}`);
        resolve();
      });
    });
  const once = (name: SiteName): Putting => {
    const known = putting.get(name);
    if (known !== undefined) return known;
    const early = Promise.withResolvers<void>();
    const all = put(name, early.resolve);
    const begun = { texts: Promise.race([early.promise, all]), all };
    putting.set(name, begun);
    return begun;
  };
  return {
    async ready() {
      for (const name of sites) await once(name).all;
    },
    async filled(key) {
      const name = sites.find((site) => key.startsWith(`${site}/`));
      if (name === undefined) return;
      wanted.get(name)!.resolve();
      await (TEXT.test(key) ? once(name).texts : once(name).all);
    },
    stop() {
      stopped = true;
      for (const child of children) child.kill();
    },
  };
}

function stepBack(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended, or this is not allowed here: then it is built as fast as everything else.
  }
}
