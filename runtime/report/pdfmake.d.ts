/** The builds that hold their fonts and data in themselves, since a function has no disk to read them from. */
declare module "pdfmake/build/pdfmake.js" {
  import type { TDocumentDefinitions } from "pdfmake/interfaces.js";

  const pdfMake: {
    addVirtualFileSystem(files: unknown): void;
    createPdf(definition: TDocumentDefinitions): { getBuffer(): Promise<Uint8Array> };
  };
  export default pdfMake;
}
declare module "pdfmake/build/vfs_fonts.js" {
  const files: Readonly<Record<string, string>>;
  export default files;
}
