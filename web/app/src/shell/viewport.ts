/** The height of the page that can be seen, where a keyboard on the screen covers it and the browser does not make the page smaller by itself. */

/** Pixels from which on something covers the page: bars of the browser come and go. */
const COVERED = 100;

/** Keeps `--height` as high as what can be seen, while something covers the rest. */
export function followViewport(): void {
  const view = window.visualViewport;
  if (!view) return;
  const { style } = document.documentElement;
  const fit = () => {
    // Who has zoomed in sees a part of a page that is as high as it was.
    if (view.scale !== 1 || window.innerHeight - view.height < COVERED) return void style.removeProperty("--height");
    style.setProperty("--height", `${view.height}px`);
    // The browser has scrolled the page to what is typed in: that fits in now.
    window.scrollTo(0, 0);
    // A dialog has become as low as what is seen: the field that the keyboard came for may be out of sight in it.
    const typedIn = document.activeElement;
    if (typedIn?.closest("[role=dialog]")) typedIn.scrollIntoView({ block: "nearest" });
  };
  view.addEventListener("resize", fit);
}
