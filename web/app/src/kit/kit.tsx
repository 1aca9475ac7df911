/** Small parts. What needs Ariakit is in `dialog.tsx`, which comes later. */
import type { ButtonHTMLAttributes, Ref, InputHTMLAttributes, ReactNode, TextareaHTMLAttributes } from "react";
import { Eye, EyeOff } from "lucide-react";
import { useId, useState } from "react";
import { Link } from "wouter";
import { useOffline } from "../client.ts";
import { t } from "../i18n.ts";
import { colour, initials } from "../initials.ts";
import { hopeless, problemOf, says } from "../refused.ts";
import css from "./kit.module.css";

type Look = "normal" | "primary" | "danger" | "plain";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; ref?: Ref<HTMLButtonElement> };

/** `server`: what it does wants the server; without a connection it says so, and does nothing. */
export function Button({ server, ...props }: ButtonProps & { server?: boolean | undefined }) {
  return server ? <Needing {...props} /> : <Plain {...props} />;
}

function Plain({ look = "normal", className, ...rest }: ButtonProps) {
  return <button type="button" {...rest} className={[css["button"], look === "normal" ? "" : css[look], className].join(" ")} />;
}

function Needing(props: ButtonProps) {
  if (!useOffline()) return <Plain {...props} />;
  const reason = t("offline.needed");
  return <Plain {...props} aria-disabled aria-description={reason} title={props.title ? `${props.title}. ${reason}` : reason} onClick={(event) => event.preventDefault()} />;
}

/** A button that shows an icon only: its label is its name and its tooltip. */
export function IconButton({ label, children, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { label: string; server?: boolean | undefined }) {
  return <Button look="plain" aria-label={label} title={label} {...rest}>{children}</Button>;
}

interface Labelled {
  label: string;
  hint?: string | undefined;
  wrong?: string | undefined;
}

export function Field({ label, hint, wrong, ...rest }: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = rest.type === "password";
  const input = <input {...rest} type={secret && shown ? "text" : rest.type} id={id} className={css["input"]} aria-invalid={wrong ? true : undefined} aria-describedby={hint || wrong ? `${id}-about` : undefined} />;
  return (
    <div className={css["field"]}>
      <label className={css["label"]} htmlFor={id}>{label}</label>
      {secret ? (
        <span className={css["secret"]}>
          {input}
          <IconButton label={t("field.show")} aria-pressed={shown} onClick={() => setShown(!shown)}>{shown ? <EyeOff size={18} strokeWidth={1.5} aria-hidden /> : <Eye size={18} strokeWidth={1.5} aria-hidden />}</IconButton>
        </span>
      ) : input}
      <About id={id} hint={hint} wrong={wrong} />
    </div>
  );
}

export function TextField({ label, hint, wrong, ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <div className={css["field"]}>
      <label className={css["label"]} htmlFor={id}>{label}</label>
      <textarea {...rest} id={id} className={css["input"]} aria-invalid={wrong ? true : undefined} aria-describedby={hint || wrong ? `${id}-about` : undefined} />
      <About id={id} hint={hint} wrong={wrong} />
    </div>
  );
}

export function SelectField({ label, value, onChange, children }: Labelled & { value: string; onChange: (value: string) => void; children: ReactNode }) {
  const id = useId();
  return (
    <div className={css["field"]}>
      <label className={css["label"]} htmlFor={id}>{label}</label>
      <select id={id} className={css["input"]} value={value} onChange={(event) => onChange(event.target.value)}>{children}</select>
    </div>
  );
}

function About({ id, hint, wrong }: { id: string; hint: string | undefined; wrong: string | undefined }) {
  if (!hint && !wrong) return null;
  return <div id={`${id}-about`} className={wrong ? css["wrong"] : css["hint"]}>{wrong ?? hint}</div>;
}

/** What failed, in place of it; with a way to try again where that may help. `about`: what programs say of it. */
export function Failed({ error, retry, about }: { error: unknown; retry?: (() => void) | undefined; about?: string }) {
  const problem = problemOf(error);
  const text = detail(error);
  const told = about ?? problem?.detail;
  return (
    <div className={css["notice"]} role="alert">
      <span>{text}</span>
      {(error as { code?: string }).code === "not_verified" ? <Link href="/settings/address">{t("verify.open")}</Link> : null}
      {retry && !hopeless(error) ? <Button onClick={retry}>{t("action.retry")}</Button> : null}
      {problem?.trace_id || about ? (
        <details>
          <summary>{t("error.details")}</summary>
          {told && told !== text ? <code lang="en" dir="ltr">{told}</code> : null} {problem ? <code>{problem.trace_id}</code> : null}
        </details>
      ) : null}
    </div>
  );
}

/** What an error says to people. */
export function detail(error: unknown): string {
  const problem = problemOf(error);
  if (problem) return says(problem);
  return error instanceof Error ? error.message : t("error.unknown");
}

export function Avatar({ id, name, url, small }: { id: string; name: string; url?: string | null | undefined; small?: boolean }) {
  const common = { className: css["avatar"], "data-small": small || undefined, "aria-hidden": true } as const;
  if (url) return <img {...common} src={url} alt="" />;
  // Drawn by the style: they are no text of whatever the picture stands in.
  return <span {...common} data-colour={colour(id)} data-initials={initials(name)} />;
}

export function Count({ value, mention }: { value: number; mention?: boolean }) {
  return <span className={css["count"]} data-mention={mention || undefined}>{mention ? "@" : ""}{value > 999 ? "999+" : value}</span>;
}

/** Where a menu stands in the document: within what the page is about, as all else. */
export function landmark(): HTMLElement | null {
  // A panel on a phone stands in the place of the room, which is still there and not shown.
  return [...document.querySelectorAll<HTMLElement>("#main [role=main], #main main")].find((one) => one.getClientRects().length > 0) ?? null;
}

export { css };
