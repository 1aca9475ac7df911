/** What stands beside a room; where there is no space for both it stands in its place, and is what the page is about. */
import { X } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore, type HTMLAttributes, type ReactNode } from "react";
import { t } from "../i18n.ts";
import { composing } from "../kit/composing.ts";
import { IconButton } from "../kit/kit.tsx";
import css from "./room.module.css";

const wide = "(min-width: 64rem)";

function subscribe(changed: () => void): () => void {
  const media = matchMedia(wide);
  media.addEventListener("change", changed);
  return () => media.removeEventListener("change", changed);
}

interface Props extends HTMLAttributes<HTMLDivElement> {
  "data-drop"?: string | undefined;
  "data-dropping"?: boolean | undefined;
  title: string;
  onClose: () => void;
  /** Beside the heading. */
  actions?: ReactNode;
  /** Whether its heading takes the focus when it opens. */
  takes?: boolean;
  children: ReactNode;
}

export function Panel({ title, onClose, actions, takes, children, ...rest }: Props) {
  const beside = useSyncExternalStore(subscribe, () => matchMedia(wide).matches);
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takes) head.current?.focus();
  }, [takes]);
  return (
    <div {...rest} role={beside ? "complementary" : "main"} className={css["panel"]} aria-label={title} data-region="panel" onKeyDown={(event) => { if (event.key === "Escape" && !event.defaultPrevented && !composing(event) && event.currentTarget.contains(event.target as Node)) onClose(); }}>
      <div className={css["panelHead"]}>
        <h2 ref={head} tabIndex={takes ? -1 : undefined} aria-level={beside ? 2 : 1}>{title}</h2>
        {actions}
        <IconButton label={t("action.close")} data-close onClick={onClose}><X size={18} strokeWidth={1.5} aria-hidden /></IconButton>
      </div>
      {children}
    </div>
  );
}
