import { useQuery } from "@tanstack/react-query";
import Markdown from "markdown-to-jsx/react";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import apiKeys from "../../../docs/api-keys.md?raw";
import delivery from "../../../docs/delivery.md?raw";
import matching from "../../../docs/matching.md?raw";
import metrics from "../../../docs/metrics.md?raw";
import alerts from "../../../docs/site/pages/guides/alerts.md?raw";
import filters from "../../../docs/site/pages/guides/filters.md?raw";
import goingLive from "../../../docs/site/pages/guides/going-live.md?raw";
import idempotency from "../../../docs/site/pages/guides/idempotency.md?raw";
import payloadDesign from "../../../docs/site/pages/guides/payload-design.md?raw";
import troubleshooting from "../../../docs/site/pages/guides/troubleshooting.md?raw";
import verifying from "../../../docs/site/pages/guides/verifying-signatures.md?raw";
import { errorCatalog } from "../../../runtime/domain/errors/errors.ts";
import { callSnippet } from "../snippets.ts";
import { Button, Code, Failure, Loading } from "../ui/basic.tsx";
import { LanguageTabs } from "../ui/languageTabs.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { oneOf, useUrl } from "../url.ts";
import { type Member, type OpenApi, type Reference, referenceOf } from "./openapi.ts";
import { type GuideFile, sectionOf, type Topic, topicOf } from "./topics.ts";

const texts: Readonly<Record<GuideFile, string>> = {
  "api-keys.md": apiKeys,
  "delivery.md": delivery,
  "matching.md": matching,
  "metrics.md": metrics,
  "site/pages/guides/alerts.md": alerts,
  "site/pages/guides/filters.md": filters,
  "site/pages/guides/going-live.md": goingLive,
  "site/pages/guides/idempotency.md": idempotency,
  "site/pages/guides/payload-design.md": payloadDesign,
  "site/pages/guides/troubleshooting.md": troubleshooting,
  "site/pages/guides/verifying-signatures.md": verifying,
};
const own = {
  docs: oneOf(["reference", "examples", "troubleshooting", "practice"], "reference"),
};

/** Text of the documentation. What it links to within the project has no page here, so it stays text. */
function Prose({ text }: { text: string }) {
  return (
    <div className="prose">
      <Markdown
        options={{
          disableParsingRawHTML: true,
          overrides: {
            a: ({ href = "", children }: { href?: string; children?: React.ReactNode }) =>
              /^(https:|\/)/.test(href) ? (
                <a href={href} target="_blank" rel="noreferrer">
                  {children}
                </a>
              ) : (
                <span>{children}</span>
              ),
            // What scrolls can be reached by keyboard.
            table: ({ children }: { children?: React.ReactNode }) => (
              <div tabIndex={0} className="overflow-x-auto">
                <table>{children}</table>
              </div>
            ),
            pre: ({ children }: { children?: React.ReactNode }) => <pre tabIndex={0}>{children}</pre>,
          },
        }}
      >
        {text}
      </Markdown>
    </div>
  );
}

function Members({ title, members }: { title: string; members: readonly Member[] }) {
  if (members.length === 0) return null;
  return (
    <details>
      <summary className="cursor-pointer text-sm font-medium">{title}</summary>
      <dl className="mt-1 grid gap-1.5 text-sm">
        {members.map(({ name, type, required, says }) => (
          <div key={name}>
            <dt>
              <code>{name}</code> <span className="text-muted">{type}</span>
              {required ? " · needed" : ""}
            </dt>
            {says === "" ? null : (
              <dd className="pl-3">
                <Prose text={says} />
              </dd>
            )}
          </div>
        ))}
      </dl>
    </details>
  );
}

function ReferencePart({ references }: { references: readonly Reference[] }) {
  return (
    <div className="grid gap-4">
      {references.map(({ call, summary, says, parameters, body, answers }) => (
        <section key={call} aria-label={call} className="grid gap-1.5 border-b border-line pb-3">
          <h3 className="font-semibold">
            <code>{call}</code>
          </h3>
          <p className="text-sm font-medium">{summary}</p>
          <Prose text={says} />
          <Members title="Parameters" members={parameters} />
          <Members title="Body" members={body} />
          {answers.map(({ status, says: what, members }) => (
            <div key={status} className="text-sm">
              <p>
                <code>{status}</code> {what.replaceAll("`", "")}
              </p>
              <Members title={`Answer ${status}`} members={members} />
            </div>
          ))}
        </section>
      ))}
    </div>
  );
}

function Sections({ of }: { of: Topic["guides"] }) {
  return of.map(([file, title]) => (
    <section key={`${file} ${title}`} className="border-b border-line pb-3">
      <h3 className="font-semibold">{(title ?? file.replace(/\.md$/, "").replaceAll("-", " ")).replaceAll("`", "")}</h3>
      <Prose text={sectionOf(texts[file], title) ?? ""} />
    </section>
  ));
}

function Troubles({ topic, references }: { topic: Topic; references: readonly Reference[] }) {
  const codes = [...new Set(references.flatMap((each) => each.codes))].filter((code) => code in errorCatalog);
  return (
    <div className="grid gap-3">
      <Sections of={topic.troubles ?? []} />
      {codes.map((code) => {
        const { status, when, remedy, retryable } = errorCatalog[code as keyof typeof errorCatalog];
        return (
          <section key={code} aria-label={code} className="border-b border-line pb-3 text-sm">
            <h3 className="font-semibold">
              <a href={`/docs/errors#${code}`} target="_blank" rel="noreferrer">
                <code>{code}</code>
              </a>{" "}
              · {status}
            </h3>
            <Prose text={when} />
            <Prose text={`**What to do:** ${remedy}`} />
            <p className="text-muted">
              {retryable ? "The same request can succeed later." : "The same request fails again."}
            </p>
          </section>
        );
      })}
    </div>
  );
}

/** The documentation of the page that one is on, beside it: one goes on working while it is open. */
export default function Drawer({ close }: { close: () => void }) {
  const [path] = useLocation();
  const [state] = useUrl(own);
  const heading = useRef<HTMLHeadingElement>(null);
  const topic = topicOf(path);
  const document = useQuery({
    queryKey: ["openapi"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => (await (await fetch("/openapi.json")).json()) as OpenApi,
  });
  useEffect(() => heading.current?.focus(), []);
  const references = topic.calls.flatMap((call) => {
    const reference = document.data === undefined ? undefined : referenceOf(call, document.data);
    return reference === undefined ? [] : [reference];
  });
  const asked = (body: () => React.ReactNode) =>
    document.isPending ? <Loading /> : document.isError ? <Failure error={document.error} /> : body();
  return (
    <aside
      aria-label="Documentation"
      className="fixed inset-y-0 right-0 z-30 grid w-full max-w-md content-start gap-3 overflow-y-auto border-l border-line bg-panel p-4 shadow-xl"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <header className="flex items-center justify-between gap-2">
        <h2 ref={heading} tabIndex={-1} className="text-lg font-semibold outline-none">
          Documentation
        </h2>
        <Button onPress={close}>Close documentation</Button>
      </header>
      <p className="text-sm">
        For this page. <a href="/docs/">The whole documentation</a>
      </p>
      <Tabs
        label="Documentation of this page"
        selected={state.docs}
        member="docs"
        tabs={[
          { id: "reference", name: "Reference", body: () => asked(() => <ReferencePart references={references} />) },
          {
            id: "examples",
            name: "Examples",
            body: () => (
              <div className="grid gap-4">
                <LanguageTabs label="Language of the examples">
                  {(language) => (
                    <div className="grid gap-4">
                      {topic.examples.length === 0 ? (
                        <p className="text-sm">This page has no call of its own.</p>
                      ) : null}
                      {topic.examples.map(({ says, method, path: called, body }) => (
                        <section key={says} aria-label={says} className="grid gap-1">
                          <h3 className="text-sm font-medium">{says}</h3>
                          <Code
                            label={says}
                            text={callSnippet(language, {
                              url: window.location.origin,
                              method,
                              path: called.split("?")[0]!,
                              query: called.split("?")[1],
                              body: body === undefined ? undefined : { text: JSON.stringify(body, null, 2) },
                            })}
                          />
                        </section>
                      ))}
                    </div>
                  )}
                </LanguageTabs>
              </div>
            ),
          },
          {
            id: "troubleshooting",
            name: "Troubleshooting",
            body: () => asked(() => <Troubles topic={topic} references={references} />),
          },
          {
            id: "practice",
            name: "Practice",
            body: () => (
              <div className="grid gap-4">
                <Sections of={topic.guides} />
                {topic.guides.length === 0 ? (
                  <p className="text-sm">
                    <a href="/docs/">The documentation</a> has more.
                  </p>
                ) : null}
              </div>
            ),
          },
        ]}
      />
    </aside>
  );
}
