/** The name and the sign of the product, on the pages before one is in. */
import { t } from "../i18n.ts";
import css from "./sign-in.module.css";

export function Brand() {
  return (
    <header className={css["brand"]}>
      <svg className={css["sign"]} viewBox="0 0 32 32" aria-hidden><rect width="32" height="32" rx="7" /><path d="M9 10h14M16 10v13" /></svg>
      {t("app.name")}
    </header>
  );
}
