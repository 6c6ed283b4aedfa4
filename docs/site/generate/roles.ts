/** What each role may do in the console: the matrix by which the API refuses. */
import { calls, matrix, type Permission, permissions, roles } from "../../../runtime/domain/people/roles.ts";
import type { SitePage } from "./page.ts";

export function rolesPage(): SitePage {
  const names = Object.keys(permissions) as Permission[];
  const rows = names.map(
    (name) =>
      `| ${permissions[name]} | ${roles.map((role) => (matrix[role].includes(name) ? "yes" : "–")).join(" | ")} |`,
  );
  const needed = names.map((name) => {
    const of = Object.entries(calls).filter(([, needs]) => needs === name);
    const list = of.map(([call]) => `- \`${call}\``).join("\n");
    return `### ${permissions[name]}\n\n${list === "" ? "Decides what answers show." : list}`;
  });
  const body = [
    "People sign in to the console and have one role in each customer. An owner invites them and decides on their roles; the last owner can be neither removed nor changed. Keys have scopes instead, see [API keys](/docs/guides/api-keys/).",
    [`| permission | ${roles.join(" | ")} |`, `|---|${roles.map(() => "---").join("|")}|`, ...rows].join("\n"),
    "## What each permission lets through",
    ...needed,
  ].join("\n\n");
  return { slug: "roles", title: "Roles", description: "What each role may do in the console.", body };
}
