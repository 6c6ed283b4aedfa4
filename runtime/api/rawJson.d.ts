// Numbers as they were written: V8 has it, the library of TypeScript 6 for es2024 does not say so. ECMAScript proposal "JSON.parse source text access".
interface JSON {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is object;
  // biome-ignore lint/suspicious/noExplicitAny: as the library's own declaration
  parse(text: string, reviver: (key: string, value: any, context: { readonly source?: string }) => unknown): any;
}
