/** A part that crashes says so in its place, and leaves the others alone. */
import { Component, useEffect, useState, type ReactNode } from "react";
import { useOffline } from "../client.ts";
import { t } from "../i18n.ts";
import { Attempt } from "../kit/part.tsx";
import { Failed } from "../kit/kit.tsx";
import { problemOf } from "../refused.ts";

/** What browsers say of a part of the app that they could not load. */
const PART = /dynamically imported|importing a module|preload/i;

interface State {
  error: unknown;
  attempt: object;
}

export class Crash extends Component<{ children: ReactNode }, State> {
  override state: State = { error: undefined, attempt: {} };
  #tries = 0;

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return <Attempt value={this.state.attempt}>{this.props.children}</Attempt>;
    const again = () => {
      this.#tries += 1;
      this.setState({ error: undefined, attempt: {} });
    };
    if (PART.test(String(this.state.error))) return <Lacked again={again} remembered={this.#tries > 0} />;
    if (problemOf(this.state.error)) return <Failed error={this.state.error} retry={again} />;
    // What a program says of its own fault is no text for people.
    return <Failed error={new Error(t("error.unknown"))} about={String(this.state.error)} retry={again} />;
  }
}

/** A screen that could not be had: it is asked for again when there is a connection again. `remembered`: some browsers do not ask twice unless the page is loaded anew. */
function Lacked({ again, remembered }: { again: () => void; remembered: boolean }) {
  const offline = useOffline() || !navigator.onLine;
  const [first] = useState(offline);
  useEffect(() => {
    if (first && !offline) again();
  }, [first, offline]);
  return <Failed error={new Error(t(offline ? "offline.part" : "error.part"))} retry={remembered && !offline ? () => location.reload() : again} />;
}
