import * as pulumi from "@pulumi/pulumi";

/**
 * Resources that had another name in an earlier version of the program. A stack in AWS knows them by that name. The alias has Pulumi
 * find them there; without it, Pulumi would delete them and create new ones.
 */

/** How the names of resources began before, by how they begin now: `retain`, `retain-role` and so on were `job`, `job-role`. */
const FORMER: Readonly<Record<string, string>> = { retain: "job" };

/** The name that a resource had before; undefined where it has always had this one. @example "retain-logs" gives "job-logs" */
export function formerName(name: string): string | undefined {
  const [first = "", ...rest] = name.split("-");
  return Object.hasOwn(FORMER, first) ? [FORMER[first], ...rest].join("-") : undefined;
}

/** Options of a component: it and all below it get an alias of their former name, where they had one. */
export const withFormerNames: pulumi.ComponentResourceOptions = {
  transformations: [
    ({ name, props, opts }) => {
      const former = formerName(name);
      return former === undefined
        ? undefined
        : { props, opts: pulumi.mergeOptions(opts, { aliases: [{ name: former }] }) };
    },
  ],
};
