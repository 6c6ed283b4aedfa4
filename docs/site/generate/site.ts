/** The map of the documentation: which pages there are, from where, in which order. */
import { buildApp } from "../../../runtime/api/app.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { authoredPage } from "./authored.ts";
import type { Group, SitePage } from "./page.ts";
import { nameOf, type OpenApi, operationsOf, placeOf, referencePages } from "./reference.ts";
import { has, operatingFiles, repositoryPage } from "./repository.ts";
import { rolesPage } from "./roles.ts";

export interface Site {
  readonly groups: readonly Group[];
  readonly document: OpenApi;
  /** Where each call is described, by its name: `POST /events`. */
  readonly calls: Readonly<Record<string, string>>;
}

/** The document that the API serves: no request is made, and nothing of the platform has to run. */
export async function openApi(): Promise<OpenApi> {
  const app = buildApp({ env: {}, now: Date.now, log: () => undefined } as unknown as Deps);
  return (await (await app.request("/openapi.json")).json()) as OpenApi;
}

const ifThere = (path: string): readonly SitePage[] => (has(path) ? [repositoryPage(path)] : []);

export async function site(): Promise<Site> {
  const document = await openApi();
  const [overview, ...byTag] = referencePages(document);
  const [deploy, configuration, ...others] = [
    "docs/deploy.md",
    "docs/configuration.md",
    ...operatingFiles("").filter((path) => !/deploy|configuration/.test(path)),
  ].map(repositoryPage);
  const groups: Group[] = [
    { label: "Start", pages: ["", "start/browser", "concepts"].map(authoredPage) },
    {
      label: "Guides",
      pages: [
        authoredPage("guides/payload-design"),
        { ...repositoryPage("docs/matching.md"), label: "Selectors" },
        authoredPage("guides/filters"),
        authoredPage("guides/idempotency"),
        { ...repositoryPage("docs/delivery.md"), label: "Delivery and retries" },
        authoredPage("guides/verifying-signatures"),
        { ...repositoryPage("docs/zapier.md"), label: "Zapier" },
        repositoryPage("docs/api-keys.md"),
        { ...repositoryPage("docs/limits.md"), label: "Limits" },
        repositoryPage("docs/metrics.md"),
        { ...repositoryPage("docs/guarantees.md"), label: "Guarantees" },
        authoredPage("guides/live"),
        authoredPage("guides/alerts"),
        authoredPage("guides/going-live"),
        authoredPage("guides/troubleshooting"),
        authoredPage("guides/moving-from-svix"),
        authoredPage("guides/moving-from-hookdeck"),
        authoredPage("guides/moving-from-eventbridge"),
      ],
    },
    { label: "Reference", pages: [{ ...overview!, label: "Every call" }, ...byTag] },
    { label: "Errors", pages: [repositoryPage("docs/errors.md")] },
    {
      label: "SDKs and CLI",
      pages: [
        authoredPage("sdks"),
        ...ifThere("sdk/typescript/README.md"),
        ...ifThere("sdk/python/README.md"),
        ...ifThere("cli/README.md"),
      ],
    },
    {
      label: "Operating",
      collapsed: true,
      pages: [
        deploy!,
        configuration!,
        ...others,
        { label: "Runbooks", collapsed: true, pages: operatingFiles("runbooks/").map(repositoryPage) },
        { label: "Decisions", collapsed: true, pages: operatingFiles("decisions/").map(repositoryPage) },
      ],
    },
    { label: "More", pages: [rolesPage(), repositoryPage("docs/changelog.md")] },
  ];
  const calls = Object.fromEntries(operationsOf(document).map((operation) => [nameOf(operation), placeOf(operation)]));
  return { groups, document, calls };
}
