/** The resource graph as text that reads well in a review: a tree of components, each resource with its arguments. */
import { stringify } from "yaml";
import type { Declared, Graph } from "../../program/graph.ts";

type Json = unknown;

const codeChanges = new Set(["code", "triggers"]);

/** JSON in a string is shown as what it says; bundles and their hashes, which change with every edit, are left out. */
function readable(value: Json, member = ""): Json {
  if (member === "code" && typeof value === "object") return "(bundle)";
  if (codeChanges.has(member)) return "(changes with the code)";
  if (typeof value === "string" && /^[[{]/.test(value)) {
    try {
      const parsed = JSON.parse(value) as Json;
      if (member === "input" && typeof parsed === "object" && parsed !== null && "code" in parsed)
        return "(changes with the code)";
      return readable(parsed);
    } catch {
      return value;
    }
  }
  if (typeof value === "string" && value.length > 200) return `(${member}, see its file)`;
  if (Array.isArray(value)) return value.map((item) => readable(item));
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(members.map(([key, item]) => [key, readable(item, key)]));
  }
  return value;
}

const label = (resource: Declared) => `${resource.type}::${resource.name}`;

/** Arguments of a resource as the snapshot shows them. */
const shown = (resource: Declared): Record<string, Json> => ({
  ...(resource.protect ? { protected: true } : {}),
  ...(resource.retained ? { retained: true } : {}),
  ...(resource.custom ? (readable(resource.inputs) as Record<string, Json>) : {}),
});

/** The whole graph, children under their parents. */
export function treeOf(graph: Graph): string {
  const under = (parent: string | undefined): Record<string, Json> =>
    Object.fromEntries(
      graph.resources
        .filter((resource) => resource.parent === parent)
        .map((resource) => [
          label(resource).replace("triggers:components:", ""),
          { ...shown(resource), ...under(label(resource)) },
        ]),
    );
  return stringify(under(undefined), { lineWidth: 120 });
}

/** What another stack has that the first has not, and the other way round. */
export function differencesOf(base: Graph, other: Graph): string {
  const texts = (graph: Graph) =>
    new Map(graph.resources.map((r) => [label(r), stringify(shown(r), { lineWidth: 120 })]));
  const [before, after] = [texts(base), texts(other)];
  const changes: Record<string, Json> = {};
  for (const [name, text] of before) {
    const now = after.get(name);
    if (now === undefined) changes[name] = `only in ${base.stack}`;
    else if (now !== text) changes[name] = changedLines(text, now);
  }
  for (const name of after.keys()) if (!before.has(name)) changes[name] = `only in ${other.stack}`;
  return stringify(changes, { lineWidth: 120 });
}

const changedLines = (before: string, after: string): Json => {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return {
    was: old.filter((line) => !now.includes(line)).map((line) => line.trim()),
    is: now.filter((line) => !old.includes(line)).map((line) => line.trim()),
  };
};
