import { Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { client, useKey } from "./client.ts";
import { useLanguage, withTexts } from "./i18n.ts";
import { forgetDrafts } from "./settings.ts";
import { SignIn } from "./screens/sign-in.tsx";
import { Shell } from "./shell/shell.tsx";
import { Crash } from "./shell/crash.tsx";
import { Announcer } from "./shell/announcer.tsx";
import { leaveSearch } from "./shell/searching.ts";
import { Lacking } from "./kit/lacking.tsx";
import { Later } from "./kit/later.tsx";
import { part } from "./kit/part.tsx";

const Resign = part(() => import("./shell/resign.tsx"));
const Invitation = part(() => import("./screens/invitation.tsx"));
const Reset = part(() => import("./screens/reset.tsx"));
const Erasure = part(() => withTexts(import("./screens/erasure.tsx"), "more"));
const Register = part(() => import("./screens/register.tsx"));

export function App() {
  useLanguage();
  return (
    <>
      <Screens />
      <Lacking />
    </>
  );
}

function Screens() {
  const me = useKey("me");
  const status = useKey("status");
  const [path, go] = useLocation();
  const left = status.phase === "signedOut" && status.reason === "left";
  useEffect(() => {
    if (left) forgetDrafts();
  }, [left]);
  const user = me?.id;
  // Another one begins with nothing of what was left here.
  useEffect(() => leaveSearch, [user]);
  if (!me) {
    return (
      <Crash>
        <Suspense fallback={null}>
          <Switch>
            <Route path="/i/:code">{({ code }) => <Invitation code={code} />}</Route>
            <Route path="/reset"><Reset /></Route>
            <Route path="/erasure/:id">{({ id }) => <Erasure id={id} />}</Route>
            <Route path="/register"><Register onDone={() => go(sessionStorage.getItem("tidings.after") ?? "/")} /></Route>
            <Route><SignIn onDone={(after) => go(after ?? (path === "/login" ? (sessionStorage.getItem("tidings.after") ?? "/") : path))} /></Route>
          </Switch>
        </Suspense>
      </Crash>
    );
  }
  return (
    <Crash>
      <Announcer>
        {path === "/login" || path === "/register" ? <Redirect to="/" /> : <Shell />}
        {status.phase === "signedOut" && client.store.me ? <Later><Resign me={me} /></Later> : null}
      </Announcer>
    </Crash>
  );
}
