// Parts of undici that have no types of their own; `undici` declares what they export.
declare module "undici/lib/dispatcher/agent.js" {
  export { Agent as default } from "undici";
}
declare module "undici/lib/core/connect.js" {
  export { buildConnector as default } from "undici";
}
declare module "undici/lib/core/symbols.js" {
  const symbols: { readonly kParser: symbol };
  export default symbols;
}
