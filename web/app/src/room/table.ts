/** Cells that were copied out of a table, as Markdown. */

/** Rows and columns beyond which it stays text: no one reads it in a message. */
const MOST_ROWS = 100;
const MOST_COLUMNS = 12;

/** The Markdown of a text whose lines all have the same number of cells, with tabs between them; undefined for any other text. */
export function table(text: string): string | undefined {
  const lines = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n");
  const rows = lines.map((line) => line.split("\t").map((cell) => cell.trim().replaceAll("\\", "\\\\").replaceAll("|", "\\|")));
  const columns = rows[0]?.length ?? 0;
  if (columns < 2 || columns > MOST_COLUMNS || rows.length < 2 || rows.length > MOST_ROWS || rows.some((row) => row.length !== columns)) return undefined;
  const written = (row: string[]) => `| ${row.join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [written(head), `|${" --- |".repeat(columns)}`, ...body.map(written)].join("\n");
}
