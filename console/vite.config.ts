import optimizeLocales from "@react-aria/optimize-locales-plugin";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  plugins: [
    // The words of the pages are English; those of the library come in thirty languages.
    { ...optimizeLocales.vite({ locales: ["en-US"] }), enforce: "pre" },
    react(),
    tailwindcss(),
  ],
  build: {
    emptyOutDir: true,
    target: "es2023",
    assetsDir: "assets",
    // The policy of the pages forbids data: for scripts, and a picture is as well a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
