/** The builds that carry everything within them: nothing is read from a disk that a function does not have. */
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
