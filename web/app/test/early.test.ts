import { beforeEach, expect, test, vi } from "vitest";
import { catchKeys, release } from "../src/shell/early.ts";

const page = new EventTarget();
vi.stubGlobal("document", page);

/** Presses a key. Says whether the page is left to deal with it. */
function press(key: string, more: object = {}): boolean {
  return page.dispatchEvent(Object.assign(new Event("keydown", { cancelable: true }), { key, keyCode: 0, isComposing: false, ctrlKey: false, metaKey: false, altKey: false, ...more }));
}

beforeEach(() => void release());

test("what is typed is kept for the field, and nothing else has it; then keys are the page's again", () => {
  expect(press("x")).toBe(true);
  catchKeys(() => undefined);
  expect([..."harx"].map((key) => press(key))).toEqual([false, false, false, false]);
  expect([press("Backspace"), press("b"), press("Enter")]).toEqual([false, false, false]);
  expect(release()).toEqual({ text: "harb", enter: true });
  expect(press("x")).toBe(true);
  expect(release()).toEqual({ text: "", enter: false });
});

test("combinations, names of keys and an input method's keys are not its business", () => {
  catchKeys(() => undefined);
  expect([press("k", { ctrlKey: true }), press("Tab"), press("ArrowDown"), press("a", { isComposing: true }), press("Enter", { keyCode: 229 })]).toEqual([true, true, true, true, true]);
  expect(release()).toEqual({ text: "", enter: false });
});

test("Esc gives it up, and so does a press elsewhere", () => {
  const left = vi.fn();
  catchKeys(left);
  expect([press("a"), press("Escape"), press("b")]).toEqual([false, false, true]);
  expect(left).toHaveBeenCalledOnce();
  catchKeys(left);
  press("a");
  page.dispatchEvent(new Event("pointerdown"));
  expect(press("b")).toBe(true);
  expect(release()).toEqual({ text: "", enter: false });
  expect(left).toHaveBeenCalledOnce();
});
