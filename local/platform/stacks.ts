/** Which stacks the platform runs, in the order in which a person would deploy them: one, or those of two regions. */
import type { ProgramOutputs } from "../program.ts";

export interface StackRun {
  /** Short name of the stack. */
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  /** Ends the names of its resources, so that two stacks may declare the same ones. */
  readonly suffix: string;
}

const ORGANIZATION = "local";

/** Home region first, then the standby region. */
export type Regions = readonly [home: string, standby: string];

/**
 * @param config of the stack `local`
 * @param project its name, which begins the keys of settings
 */
export function stackRuns(
  config: Readonly<Record<string, string>>,
  project: string,
  regions: Regions | undefined,
): readonly StackRun[] {
  if (regions === undefined) return [{ stack: "local", config, suffix: "" }];
  const [home, standby] = regions;
  const named = (stack: string) => `${ORGANIZATION}/${project}/${stack}`;
  const [edgeStack, homeStack, standbyStack] = [named("local-edge"), named(`local-${home}`), named(`local-${standby}`)];
  const of = (region: string, settings: Readonly<Record<string, string>>) => ({
    ...config,
    "aws:region": region,
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${project}:${key}`, value])),
  });
  const keyRegions = JSON.stringify([home, standby]);
  const edge = { stack: edgeStack, suffix: "-edge" };
  return [
    // Keys come first, for the home region needs them; the public endpoint last, for it needs the regions.
    { ...edge, config: of(home, { role: "edge", keyRegions }) },
    { stack: homeStack, suffix: "", config: of(home, { role: "region", edgeStack }) },
    { stack: standbyStack, suffix: `-${standby}`, config: of(standby, { role: "standby", edgeStack, homeStack }) },
    {
      ...edge,
      config: of(home, { role: "edge", keyRegions, homeStack, standbyStacks: JSON.stringify([standbyStack]) }),
    },
  ];
}

/** What stacks have told so far: the answers to references. */
export class ToldOutputs {
  readonly #byStack = new Map<string, ProgramOutputs>();

  add(stack: string, outputs: ProgramOutputs): void {
    this.#byStack.set(stack, outputs);
  }

  /** @throws Error when the stack has not run */
  of(stack: string): ProgramOutputs {
    const outputs = this.#byStack.get(stack);
    if (outputs === undefined) throw new Error(`the stack ${stack} has not been deployed`);
    return outputs;
  }

  /** Of all stacks together; no two tell the same thing in different words. */
  all(): ProgramOutputs {
    return Object.assign({}, ...this.#byStack.values()) as ProgramOutputs;
  }
}
