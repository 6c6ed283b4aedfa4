import { z } from "@hono/zod-openapi";
import { errorExamples } from "../../domain/errors/errorExamples.ts";
import { errorBody, errorCatalog, TriggersError } from "../../domain/errors/errors.ts";
import type { Api } from "../deps.ts";
import { type OpenApiDocument, openApiOf } from "../openapi.ts";
import { route } from "../route.ts";
import { ErrorSchema } from "../schemas.ts";

const TAG = "Platform";
const wordless = ["uri_too_long", "bad_gateway", "gateway_timeout"] as const;

/** Must be registered last: the document is made, at its first reading, from everything registered before. */
export function register(app: Api): void {
  let made: OpenApiDocument | undefined;

  route(
    app,
    {
      method: "get",
      path: "/",
      tag: TAG,
      summary: "Where the documentation is",
      description: "Redirects browsers to it.",
      scope: "public",
      responses: {
        200: {
          description: "For programs.",
          schema: z.object({ name: z.string(), docs: z.string(), openapi: z.string() }),
        },
        302: { description: "For browsers: `/docs/`." },
      },
    },
    (c) => {
      c.header("vary", "accept");
      // What a browser asks for when a person goes somewhere; a program that takes anything says so, or nothing.
      const isBrowser = /\btext\/html\b/i.test(c.req.header("accept") ?? "");
      if (isBrowser) return c.redirect("/docs/", 302);
      return c.json({ name: "Triggers API", docs: "/docs/", openapi: "/openapi.json" });
    },
  );
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
    (c) => {
      made ??= openApiOf(app);
      return c.json(made);
    },
  );
  route(
    app,
    {
      method: "get",
      path: "/docs/answers/{status}",
      tag: TAG,
      summary: "The edge's own answer with this status",
      description: "The edge answers 414, 502 and 504 with these bodies when no function answered.",
      scope: "public",
      params: z.object({
        status: z
          .string()
          .regex(/^\d{3}$/)
          .openapi({ description: "414, 502 or 504." }),
      }),
      responses: { 200: { description: "The error.", schema: ErrorSchema } },
    },
    (c, { params }) => {
      const code = wordless.find((each) => String(errorCatalog[each].status) === params.status);
      if (code === undefined)
        throw new TriggersError("not_found", `The edge has no answer ${params.status} of its own.`);
      const { message, headers } = errorExamples[code];
      return c.json(errorBody(new TriggersError(code, message), c.get("requestId")), 200, headers);
    },
  );
}
