/** What the server can do that this app was built with. */
declare const ROUTES: string[];

const routes = new Set(typeof ROUTES === "undefined" ? [] : ROUTES);

export function has(route: string): boolean {
  return routes.has(route);
}
