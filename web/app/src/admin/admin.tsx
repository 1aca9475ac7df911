/** Administration: what moderators and admins see of the installation. */
import { Suspense } from "react";
import { Link } from "wouter";
import { useKey } from "../client.ts";
import { t, useLanguage } from "../i18n.ts";
import { part } from "../kit/part.tsx";
import { css, Page } from "../screens/page.tsx";
import { pagesOf, type AdminPage } from "./pages.ts";

const SHOWN: Record<AdminPage, ReturnType<typeof part<object>>> = {
  reports: part(() => import("./reports.tsx")),
  people: part(() => import("./people.tsx")),
  rooms: part(() => import("./rooms.tsx")),
  figures: part(() => import("./figures.tsx")),
  events: part(() => import("./events.tsx")),
  requests: part(() => import("./requests.tsx")),
  letters: part(() => import("./letters.tsx")),
  holds: part(() => import("./holds.tsx")),
  notify: part(() => import("./notify.tsx")),
};

export default function Admin({ page }: { page: string }) {
  useLanguage();
  const pages = pagesOf(useKey("me")?.role);
  const open = pages.find((one) => one === page);
  const Shown = open && SHOWN[open];
  return (
    <Page title={t("admin.title")}>
      <nav className={css["tabs"]} aria-label={t("admin.title")}>
        {pages.map((one) => <Link key={one} href={`/admin/${one}`} aria-current={page === one ? "page" : undefined}>{t(`admin.${one}`)}</Link>)}
      </nav>
      {Shown ? <Suspense fallback={null}><Shown /></Suspense> : <p className={css["empty"]}>{pages.length > 0 ? t("error.nopage") : t("admin.forbidden")}</p>}
    </Page>
  );
}
