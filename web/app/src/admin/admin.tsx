/** Administration: what moderators and admins see of the installation. */
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import { useKey } from "../client.ts";
import { t, useLanguage } from "../i18n.ts";
import { css, Page } from "../screens/page.tsx";
import { pagesOf, type AdminPage } from "./pages.ts";

const SHOWN: Record<AdminPage, ReturnType<typeof lazy>> = {
  reports: lazy(() => import("./reports.tsx")),
  people: lazy(() => import("./people.tsx")),
  rooms: lazy(() => import("./rooms.tsx")),
  figures: lazy(() => import("./figures.tsx")),
  events: lazy(() => import("./events.tsx")),
  requests: lazy(() => import("./requests.tsx")),
  letters: lazy(() => import("./letters.tsx")),
  holds: lazy(() => import("./holds.tsx")),
  notify: lazy(() => import("./notify.tsx")),
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
