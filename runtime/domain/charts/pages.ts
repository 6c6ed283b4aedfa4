import type { Content, TableCell, TDocumentDefinitions } from "pdfmake/interfaces.js";

/** Figures on paper: what a report and what a page that is taken along look like as a PDF. For pdfmake, which draws it. */

/** Of A4 in points, without its margins. */
export const PAGE_WIDTH = 515;
const ROWS = 400;
const SOFT = "#57606a";

export interface Section {
  readonly title: string;
  /** Stands below the title: what is shown in a sentence, or why nothing is. */
  readonly says?: string | undefined;
  readonly figures?: readonly { readonly name: string; readonly text: string; readonly before?: string }[] | undefined;
  /** SVG, each at most as wide as the page. */
  readonly pictures?: readonly string[] | undefined;
  /** The head first. */
  readonly rows?: readonly (readonly string[])[] | undefined;
}

function figuresOf(all: NonNullable<Section["figures"]>): Content {
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

/** Columns that fit beside the first; more of them stand in a table below. */
const COLUMNS = 8;
/** A word that is longer is broken where its column ends: ids and types of events have no spaces. */
const LONG_WORD = /\S{25}/;

function cellOf(text: string, row: number, column: number): TableCell {
  return {
    text,
    fontSize: 8,
    color: row === 0 ? SOFT : "#1f2328",
    alignment: column === 0 ? "left" : "right",
    ...(LONG_WORD.test(text) ? { wordBreak: "break-all" as const } : {}),
  };
}

function tableOf(all: NonNullable<Section["rows"]>): Content {
  const rows = all.slice(0, ROWS);
  const [head] = rows;
  if (head === undefined) return { text: "" };
  const beside = head.slice(1).map((_, at) => at + 1);
  const tables = Array.from({ length: Math.max(1, Math.ceil(beside.length / COLUMNS)) }, (_, at): Content => {
    const columns = [0, ...beside.slice(at * COLUMNS, at * COLUMNS + COLUMNS)];
    return {
      table: {
        headerRows: 1,
        keepWithHeaderRows: 1,
        dontBreakRows: true,
        widths: ["*", ...columns.slice(1).map(() => "auto" as const)],
        body: rows.map((row, place) => columns.map((column) => cellOf(row[column] ?? "", place, column))),
      },
      layout: "lightHorizontalLines",
      margin: [0, at === 0 ? 4 : 12, 0, 0],
    };
  });
  const rest = all.length - rows.length;
  return rest === 0
    ? tables
    : [...tables, { text: `${rest} more rows are left out here.`, fontSize: 8, color: SOFT, margin: [0, 4, 0, 0] }];
}

/** A picture is never larger than it was drawn. */
const widthOf = (svg: string): number => Number(/ width="([\d.]+)"/.exec(svg)?.[1] ?? PAGE_WIDTH);

function sectionOf({ title, says, figures, pictures = [], rows }: Section): Content {
  const heading: Content = { text: title, fontSize: 13, bold: true, margin: [0, 16, 0, 4], headlineLevel: 1 };
  const sentence: Content =
    says === undefined || says === "" ? [] : [{ text: says, color: SOFT, margin: [0, 0, 0, 4] }];
  const [first, ...others] = pictures.map((svg): Content => ({ svg, width: Math.min(PAGE_WIDTH, widthOf(svg)) }));
  // A heading stays with what it is of.
  const top: Content =
    first === undefined ? [heading, sentence] : [{ stack: [heading, sentence, first], unbreakable: true }];
  return [top, others, figures === undefined ? [] : figuresOf(figures), rows === undefined ? [] : tableOf(rows)];
}

export interface Paper {
  readonly name: string;
  /** What it is about, in words: the range, and what is filtered. */
  readonly about: string;
  readonly sections: readonly Section[];
  /** Where more is to be seen. */
  readonly link: string;
  /** When it was made, for the foot of each page. */
  readonly made: string;
}

export const paperOf = ({ name, about, sections, link, made }: Paper): TDocumentDefinitions => ({
  info: { title: name, subject: about, producer: "Triggers" },
  pageSize: "A4",
  pageMargins: [40, 40, 40, 48],
  defaultStyle: { font: "Roboto", fontSize: 10 },
  content: [
    { text: name, fontSize: 20, bold: true },
    { text: about, color: SOFT, margin: [0, 2, 0, 0] },
    ...sections.map(sectionOf),
    { text: link, link, color: "#0b5cad", margin: [0, 20, 0, 0] },
  ],
  // No title stands alone at the end of a page.
  pageBreakBefore: (node, nodes) => node.headlineLevel === 1 && nodes.getFollowingNodesOnPage().length === 0,
  footer: (page: number, pages: number) => ({
    columns: [
      { text: `Triggers, ${made}`, color: SOFT, fontSize: 8 },
      { text: `${page} / ${pages}`, alignment: "right", color: SOFT, fontSize: 8 },
    ],
    margin: [40, 16, 40, 0],
  }),
});
