/** Those whom a notice goes to, each once, as the API names them: ids as they are, usernames with their sign. */
export function recipients(typed: string): string[] {
  const names = typed.split(/[\s,;]+/).filter(Boolean).map((one) => (/^usr_/.test(one) ? one : `@${one.replace(/^@/, "").toLowerCase()}`));
  return [...new Set(names)];
}
