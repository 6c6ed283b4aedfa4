import { readFileSync } from "node:fs";
import { join } from "node:path";
import { satteri } from "@astrojs/markdown-satteri";
import starlight from "@astrojs/starlight";
import type { StarlightUserConfig } from "@astrojs/starlight/types";
import { defineConfig } from "astro/config";

/** Written by build.ts beside the pages. */
const sidebar = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../.build/docs-content/sidebar.json"), "utf8"),
) as NonNullable<StarlightUserConfig["sidebar"]>;

export default defineConfig({
  base: "/docs",
  cacheDir: "../../.build/docs-cache",
  // Scripts in the markup are forbidden by the pages' policy.
  vite: { build: { assetsInlineLimit: 0 } },
  build: { inlineStylesheets: "never" },
  // Messages and code are shown as they are: an apostrophe stays one.
  markdown: { processor: satteri({ features: { smartPunctuation: false } }) },
  integrations: [
    starlight({
      title: "Triggers",
      favicon: "/favicon.svg",
      sidebar,
      customCss: ["./src/styles/docs.css"],
      components: { Search: "./src/components/Search.astro", Head: "./src/components/Head.astro" },
      expressiveCode: { styleOverrides: { borderRadius: "0.375rem" } },
      credits: false,
      lastUpdated: false,
    }),
  ],
});
