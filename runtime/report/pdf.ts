import pdfMake from "pdfmake/build/pdfmake.js";
import fonts from "pdfmake/build/vfs_fonts.js";
import type { Content, TDocumentDefinitions } from "pdfmake/interfaces.js";
import type { ReportPage } from "../domain/reports/page.ts";
import { type Answered, chartOf, figuresOf, pictureOf, tableOf } from "../domain/reports/tiles.ts";

/** A report as a PDF: the same tiles, drawn by the same functions. */

pdfMake.addVirtualFileSystem(fonts);

/** Of A4 in points, without its margins. */
const WIDTH = 515;
const ROWS = 400;
const SOFT = "#57606a";

function figures(answered: Answered): Content {
  const all = figuresOf(answered);
  const rows = Array.from({ length: Math.ceil(all.length / 3) }, (_, at) => all.slice(at * 3, at * 3 + 3));
  return rows.map((row) => ({
    columns: [...row, ...Array.from({ length: 3 - row.length }, () => undefined)].map((figure) =>
      figure === undefined
        ? { text: "" }
        : {
            stack: [
              { text: figure.name, fontSize: 9, color: SOFT },
              { text: figure.text, fontSize: 16, bold: true },
              { text: figure.before === undefined ? "" : `before: ${figure.before}`, fontSize: 8, color: SOFT },
            ],
          },
    ),
    margin: [0, 4, 0, 6],
  }));
}

function table(answered: Answered): Content {
  const rows = tableOf(answered).slice(0, ROWS);
  const [head] = rows;
  if (head === undefined) return { text: "" };
  return {
    table: {
      headerRows: 1,
      widths: ["*", ...head.slice(1).map(() => "auto" as const)],
      body: rows.map((row, at) =>
        row.map((text, column) => ({
          text,
          fontSize: 8,
          color: at === 0 ? SOFT : "#1f2328",
          alignment: column === 0 ? ("left" as const) : ("right" as const),
        })),
      ),
    },
    layout: "lightHorizontalLines",
    margin: [0, 4, 0, 0],
  };
}

function section(answered: Answered): Content {
  const heading: Content = { text: answered.tile.title, fontSize: 13, bold: true, margin: [0, 16, 0, 4] };
  if (answered.error !== undefined) return [heading, { text: answered.error, color: SOFT }];
  if (chartOf(answered) === "number") return [heading, figures(answered)];
  const picture = pictureOf(answered, WIDTH);
  return [
    ...(picture === undefined ? [heading] : [{ stack: [heading, { svg: picture, width: WIDTH }], unbreakable: true }]),
    table(answered),
  ];
}

/** @param made when, for the foot of each page */
export async function reportPdf({ name, range, tiles, link }: ReportPage, made: string): Promise<Buffer> {
  const definition: TDocumentDefinitions = {
    info: { title: name, subject: range, producer: "Triggers" },
    pageSize: "A4",
    pageMargins: [40, 40, 40, 48],
    defaultStyle: { font: "Roboto", fontSize: 10 },
    content: [
      { text: name, fontSize: 20, bold: true },
      { text: range, color: SOFT, margin: [0, 2, 0, 0] },
      ...tiles.map(section),
      { text: link, link, color: "#0b5cad", margin: [0, 20, 0, 0] },
    ],
    footer: (page: number, pages: number) => ({
      columns: [
        { text: `Triggers, ${made}`, color: SOFT, fontSize: 8 },
        { text: `${page} / ${pages}`, alignment: "right", color: SOFT, fontSize: 8 },
      ],
      margin: [40, 16, 40, 0],
    }),
  };
  return Buffer.from(await pdfMake.createPdf(definition).getBuffer());
}
