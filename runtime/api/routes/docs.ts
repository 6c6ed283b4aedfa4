import { z } from "@hono/zod-openapi";
import type { Api } from "../deps.ts";
import { errorsPage, referencePage } from "../docsPage.ts";
import { type OpenApiDocument, openApiOf } from "../openapi.ts";
import { route } from "../route.ts";

const TAG = "Platform";
/** The pages hold no script and load nothing: the browser is told so. */
const HTML_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** Must be registered last: the document is made, at its first reading, from everything registered before. */
export function register(app: Api): void {
  let made: { readonly document: OpenApiDocument; readonly html: string } | undefined;
  const docs = () => {
    if (made === undefined) {
      const document = openApiOf(app);
      made = { document, html: referencePage(document) };
    }
    return made;
  };
  const html = { 200: { description: "A page.", schema: z.string(), contentType: "text/html" } };

  route(
    app,
    {
      method: "get",
      path: "/openapi.json",
      tag: TAG,
      summary: "This description, as OpenAPI 3.1",
      scope: "public",
      responses: { 200: { description: "An OpenAPI document.", schema: z.looseObject({ openapi: z.string() }) } },
    },
    (c) => c.json(docs().document),
  );
  route(
    app,
    { method: "get", path: "/docs", tag: TAG, summary: "This description, to read", scope: "public", responses: html },
    (c) => c.body(docs().html, 200, HTML_HEADERS),
  );
  const errors = errorsPage();
  route(
    app,
    { method: "get", path: "/docs/errors", tag: TAG, summary: "Every error code", scope: "public", responses: html },
    (c) => c.body(errors, 200, HTML_HEADERS),
  );
}
