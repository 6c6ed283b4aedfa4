// Pulumi's policy host loads CommonJS: this registers the TypeScript loader, then loads the pack.
require("tsx/cjs");
require("./pack.ts");
