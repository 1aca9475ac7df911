/** The frame of the pages that are no rooms. */
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { t } from "../i18n.ts";
import { useNamed } from "../shell/titled.ts";
import css from "./page.module.css";

export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useNamed(title);
  return (
    <main className={css["page"]} data-region="main" aria-label={title}>
      <div className={css["inner"]}>
        <div className={css["head"]}>
          <Link href="/" className={css["back"]} aria-label={t("action.back")}><ArrowLeft size={18} strokeWidth={1.5} aria-hidden /></Link>
          <h1>{title}</h1>
          {actions}
        </div>
        {children}
      </div>
    </main>
  );
}

export { css };
