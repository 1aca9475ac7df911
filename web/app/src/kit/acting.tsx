/** Something that is done on the server: under way, refused, done. */
import { ProblemError } from "@tidings/client";
import { useRef, useState } from "react";
import { t } from "../i18n.ts";
import { Failed } from "./kit.tsx";
import css from "./acting.module.css";

export interface Acting {
  error: unknown;
  busy: boolean;
  done: boolean;
  /** Does something, unless something is being done. Says whether it was. */
  act: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useActing(): Acting {
  const [state, setState] = useState<{ error?: unknown; busy: boolean; done: boolean }>({ busy: false, done: false });
  const under = useRef(false);
  const act = async (work: () => Promise<unknown>) => {
    if (under.current) return false;
    under.current = true;
    setState({ busy: true, done: false });
    try {
      await work();
      setState({ busy: false, done: true });
      return true;
    } catch (error) {
      setState({ error, busy: false, done: false });
      return false;
    } finally {
      under.current = false;
    }
  };
  return { error: state.error, busy: state.busy, done: state.done, act };
}

/** Says why it was refused, in the place where it was asked for. */
export function Refusal({ acting }: { acting: Acting }) {
  if (acting.error === undefined) return null;
  // Who is signed in has said who they are: it is the password.
  const password = acting.error instanceof ProblemError && acting.error.code === "invalid_credentials";
  return <Failed error={password ? new Error(t("proof.wrong")) : acting.error} />;
}

/** Says how it went. */
export function Outcome({ acting, done }: { acting: Acting; done?: string }) {
  if (acting.error !== undefined) return <Refusal acting={acting} />;
  return acting.done ? <p className={css["done"]} role="status">{done ?? t("settings.saved")}</p> : null;
}
