/** The part of a message that was found, as the server marks it: read into texts, never shown as HTML. */
export interface Part {
  text: string;
  marked: boolean;
}

const SIGNS: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };

function plain(html: string): string {
  return html.replace(/&(?:(amp|lt|gt|quot)|#(\d{1,7}));/g, (whole, name: string | undefined, code: string | undefined) => {
    if (name) return SIGNS[name] ?? whole;
    const number = Number(code);
    // Control characters are shown as nothing.
    return number >= 32 && number <= 0x10ffff ? String.fromCodePoint(number) : "";
  });
}

export function parts(snippet: string): Part[] {
  const all: Part[] = [];
  let marked = false;
  for (const piece of snippet.split(/(<\/?mark>)/)) {
    if (piece === "<mark>" || piece === "</mark>") marked = piece === "<mark>";
    else if (piece !== "") all.push({ text: plain(piece), marked });
  }
  return all;
}
