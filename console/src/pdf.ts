import pdfMake from "pdfmake/build/pdfmake.min.js";
import fonts from "pdfmake/build/vfs_fonts.js";
import { PAGE_WIDTH, paperOf } from "../../runtime/domain/charts/pages.ts";
import { time } from "./format.ts";
import { save } from "./save.ts";
import { shownCell, type View } from "./told.tsx";

/** What a page shows as a PDF, laid out as reports are. It is large, and loaded when somebody asks for one. */

pdfMake.addVirtualFileSystem(fonts);

/** @param about range and filters, in words */
export async function savePdf(name: string, title: string, about: string, views: readonly View[]): Promise<void> {
  const sections = await Promise.all(
    views.map(async ({ title, sentence, told, picture }) => ({
      title,
      says: sentence,
      pictures: picture === undefined ? [] : [await picture(PAGE_WIDTH)],
      rows:
        told.rows.length === 0
          ? undefined
          : [
              told.columns.map((column) => column.name),
              ...told.rows.map((row) => told.columns.map((_, at) => shownCell(told, row, at))),
            ],
    })),
  );
  const made = time(new Date().toISOString());
  const paper = paperOf({ name: title, about, sections, link: window.location.href, made });
  const bytes = await pdfMake.createPdf(paper).getBuffer();
  save(`${name}.pdf`, "application/pdf", new Uint8Array(bytes));
}
