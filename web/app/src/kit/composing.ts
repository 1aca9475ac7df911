/** Keys of an input method belong to it: while it composes, no key of ours does anything. */
interface Key {
  isComposing: boolean;
  keyCode: number;
}

export function composing(event: Key | { nativeEvent: Key }): boolean {
  const key = "nativeEvent" in event ? event.nativeEvent : event;
  // The key that begins or ends a composition is told of as 229 only.
  return key.isComposing || key.keyCode === 229;
}
