/** What narrows a list, in the address: back, reload and a link to a colleague keep it. */
import type { ReactNode } from "react";
import { useSearchParams } from "wouter";
import { t } from "../i18n.ts";
import { Button, Field } from "../kit/kit.tsx";
import css from "../screens/page.module.css";

export function useFilters<K extends string>(names: readonly K[]): [Record<K, string>, (next: Partial<Record<K, string>>) => void] {
  const [params, setParams] = useSearchParams();
  const now = Object.fromEntries(names.map((name) => [name, params.get(name) ?? ""])) as Record<K, string>;
  const set = (next: Partial<Record<K, string>>) => setParams(Object.fromEntries(Object.entries<string | undefined>(next).filter((one): one is [string, string] => Boolean(one[1]))));
  return [now, set];
}

/** A moment that was typed in the reader's zone, as the API takes it. */
export function instant(local: string): string | undefined {
  const time = local ? new Date(local) : undefined;
  return time && !Number.isNaN(time.getTime()) ? time.toISOString() : undefined;
}

/** The values of a query that are set. */
export function given<T extends object>(query: T): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== "" && value !== undefined)) as T;
}

/** The fields; what is typed counts when the form is sent. */
export function Filters<K extends string>({ now, set, labels, children }: { now: Record<K, string>; set: (next: Partial<Record<K, string>>) => void; labels: Record<K, string>; children?: ReactNode }) {
  const names = Object.keys(labels) as K[];
  const submit = (form: FormData) => set(Object.fromEntries(names.map((name) => [name, String(form.get(name) ?? "").trim()])) as Record<K, string>);
  return (
    <search>
      <form key={JSON.stringify(now)} className={css["search"]} onSubmit={(event) => { event.preventDefault(); submit(new FormData(event.currentTarget)); }}>
        {names.map((name) => <Field key={name} label={labels[name]} name={name} defaultValue={now[name]} type={name === "since" || name === "until" ? "datetime-local" : "text"} autoCapitalize="none" autoComplete="off" spellCheck={false} />)}
        {children}
        <div className={css["buttons"]}>
          <Button type="submit" look="primary">{t("filters.apply")}</Button>
          {names.some((name) => now[name]) ? <Button onClick={() => set({})}>{t("filters.clear")}</Button> : null}
        </div>
      </form>
    </search>
  );
}
