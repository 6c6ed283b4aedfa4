import { defineCollection } from "astro:content";
import { docsSchema } from "@astrojs/starlight/schema";
import { glob } from "astro/loaders";

/** The pages that generate/site.ts puts together. */
export const collections = {
  docs: defineCollection({
    loader: glob({ base: "../../.build/docs-content", pattern: "**/*.md" }),
    schema: docsSchema(),
  }),
};
