/** Puts a text on the clipboard. Browsers give pages without https no clipboard of their own: there the text is put into the event of the old command. */
export async function copy(text: string): Promise<void> {
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return;
  const put = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", put, { once: true, capture: true });
  document.execCommand("copy");
  document.removeEventListener("copy", put, { capture: true });
}
