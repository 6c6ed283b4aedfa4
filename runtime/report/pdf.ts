import pdfMake from "pdfmake/build/pdfmake.js";
import fonts from "pdfmake/build/vfs_fonts.js";
import { PAGE_WIDTH, paperOf, type Section } from "../domain/charts/pages.ts";
import type { ReportPage } from "../domain/reports/page.ts";
import { type Answered, chartOf, figuresOf, headingOf, picturesOf, tableOf } from "../domain/reports/tiles.ts";

/** A report as a PDF: the same tiles, drawn by the same functions. */

pdfMake.addVirtualFileSystem(fonts);

function section(answered: Answered): Section {
  const title = headingOf(answered);
  if (answered.error !== undefined) return { title, says: answered.error };
  if (chartOf(answered) === "number") return { title, figures: figuresOf(answered) };
  return { title, pictures: picturesOf(answered, PAGE_WIDTH), rows: tableOf(answered) };
}

/** @param made when, for the foot of each page */
export async function reportPdf({ name, range, tiles, link }: ReportPage, made: string): Promise<Buffer> {
  const paper = paperOf({ name, about: range, sections: tiles.map(section), link, made });
  return Buffer.from(await pdfMake.createPdf(paper).getBuffer());
}
