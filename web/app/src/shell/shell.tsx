/** The frame: rail, and the screen beside it. */
import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { client, useKey } from "../client.ts";
import { t, withTexts } from "../i18n.ts";
import { Button, css as kit } from "../kit/kit.tsx";
import { guard } from "../room/drop.ts";
import { RoomScreen } from "../room/room.tsx";
import { ahead } from "./ahead.ts";
import { Asking } from "./asking.tsx";
import { Crash } from "./crash.tsx";
import { catchKeys, release } from "./early.ts";
import { Insecure } from "./insecure.tsx";
import { Rail } from "./rail.tsx";
import { steer, WRITES } from "./keys.ts";
import { useNarrow } from "./narrow.ts";
import { tellPresence } from "./own-presence.ts";
import { beside, closeSearch, openSearch, useSearching } from "./searching.ts";
import { watchSounds } from "./sound.ts";
import { Title } from "./title.tsx";
import { Unverified } from "./unverified.tsx";
import { Updated } from "./updated.tsx";
import css from "./shell.module.css";
import { Later } from "../kit/later.tsx";
import { part } from "../kit/part.tsx";

const Switcher = part(() => import("./switcher.tsx").catch((error: unknown) => {
  // Nothing will come that keys could be meant for.
  release();
  throw error;
}));
const Shortcuts = part(() => withTexts(import("./shortcuts.tsx"), "more"));
const Inbox = part(() => import("../screens/inbox.tsx"));
const Browse = part(() => import("../screens/browse.tsx"));
const Invitation = part(() => import("../screens/invitation.tsx"));
const Settings = part(() => withTexts(import("../screens/settings.tsx"), "more"));
const Admin = part(() => withTexts(import("../admin/admin.tsx"), "more", "admin"));
const Erasure = part(() => withTexts(import("../screens/erasure.tsx"), "more"));
const SearchPanel = part(() => import("../search/panel.ts"));
const SearchPage = part(() => import("../search/page.ts"));
const Threads = part(() => import("../screens/threads.tsx"));

export type Overlay = "switcher" | "shortcuts" | undefined;

export function Shell() {
  const [path, go] = useLocation();
  const [overlay, setOverlay] = useState<Overlay>();
  const opened = useSearching();
  // On its own page it stands there once.
  const searching = path === "/search" ? undefined : opened;
  // The only pane there is space for is what the page is about.
  const alone = useNarrow() && path === "/";
  const shown = useRef(overlay);
  shown.current = overlay;
  const open = useCallback((next: Overlay) => {
    if (next === "switcher" && shown.current !== next) catchKeys(() => setOverlay(undefined));
    setOverlay(next);
  }, []);
  const close = () => setOverlay(undefined);
  const keys = useCallback(() => open("shortcuts"), [open]);
  const search = useCallback((text = "") => (beside() ? openSearch(text) : go(text ? `/search?q=${encodeURIComponent(text)}` : "/search")), [go]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => steer(event, { go, open, search });
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [go, open, search]);
  useEffect(guard, []);
  useEffect(ahead, []);
  useEffect(tellPresence, []);
  useEffect(watchSounds, []);
  return (
    <div className={css["shell"]} data-pane={path === "/" ? "rail" : "main"} data-search={searching ? "" : undefined}>
      {alone ? null : <a className={css["skip"]} href="#main">{t("skip.main")}</a>}
      <a className={css["skip"]} href="#rail">{t("skip.rooms")}</a>
      {/* They are there where there is what they lead to. */}
      <button type="button" className={css["skip"]} data-to="composer" onClick={() => focus(`[data-region=composer] :is(${WRITES})`)}>{t("skip.composer")}</button>
      <button type="button" className={css["skip"]} data-to="panel" onClick={() => focus("[data-region=panel] [data-close]")}>{t("skip.panel")}</button>
      <Title />
      <div className={css["side"]} role={alone ? "main" : undefined} aria-label={alone ? t("rail.label") : undefined}>
        <Rail alone={alone} onJump={() => open("switcher")} onSearch={() => search()} onKeys={keys} />
      </div>
      <div className={css["main"]} id="main" tabIndex={-1}>
        <Updated />
        <Insecure />
        <Asking />
        <Unverified />
        <Crash key={path.split("/")[1]}>
          <Suspense fallback={null}>
            <Switch>
              <Route path="/r/:room">{({ room }) => <RoomScreen key={room} room={room} onKeys={keys} />}</Route>
              <Route path="/r/:room/m/:message">{({ room, message }) => <RoomScreen key={room} room={room} onKeys={keys} jump={message} />}</Route>
              <Route path="/r/:room/t/:thread/m/:message">{({ room, thread, message }) => <RoomScreen key={room} room={room} onKeys={keys} thread={thread} answer={message} />}</Route>
              <Route path="/r/:room/t/:thread">{({ room, thread }) => <RoomScreen key={room} room={room} onKeys={keys} thread={thread} />}</Route>
              <Route path="/i/:code">{({ code }) => <Invitation code={code} />}</Route>
              <Route path="/search"><SearchPage /></Route>
              <Route path="/inbox"><Inbox /></Route>
              <Route path="/threads"><Threads /></Route>
              {/* What those who are in come there for. */}
              <Route path="/reset"><Redirect to="/settings/password" replace /></Route>
              <Route path="/verify"><Redirect to="/settings/address" replace /></Route>
              <Route path="/browse"><Browse /></Route>
              <Route path="/settings/:page?">{({ page }) => <Settings page={page ?? "profile"} />}</Route>
              <Route path="/admin/:page?">{({ page }) => <Admin page={page ?? "reports"} />}</Route>
              <Route path="/erasure/:id">{({ id }) => <Erasure id={id} />}</Route>
              <Route><Landing /></Route>
            </Switch>
          </Suspense>
        </Crash>
      </div>
      <Later onFailed={closeSearch}>{searching ? <SearchPanel opening={searching} /> : null}</Later>
      <Later>
        {overlay === "switcher" ? <Switcher onClose={close} onSearch={search} onOpen={open} /> : null}
        {overlay === "shortcuts" ? <Shortcuts onClose={close} /> : null}
      </Later>
    </div>
  );
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** Without a room in the address the one with the latest activity is shown, where there is space for it. */
function Landing() {
  const [path, go] = useLocation();
  const first = useKey("rooms")[0]?.id;
  useEffect(() => {
    if (path === "/" && first && matchMedia("(min-width: 48rem)").matches) go(`/r/${first}`, { replace: true });
  }, [path, first, go]);
  if (path === "/" && (first || client.store.status.phase !== "live")) return null;
  return (
    <main className={css["empty"]}>
      <h1>{path === "/" ? t("rooms.none") : t("error.nopage")}</h1>
      <p className={css["ways"]}>
        <Link className={`${kit["button"]} ${kit["primary"]}`} href={path === "/" ? "/browse" : "/"}>{path === "/" ? t("rooms.find") : t("action.back")}</Link>
        {path === "/" ? <Button onClick={() => document.querySelector<HTMLElement>("[data-create]")?.click()}>{t("rooms.create_one")}</Button> : null}
      </p>
    </main>
  );
}
