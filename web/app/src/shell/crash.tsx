/** A part that crashes says so in its place, and leaves the others alone. */
import { Component, type ReactNode } from "react";
import { t } from "../i18n.ts";
import { Failed } from "../kit/kit.tsx";
import { problemOf } from "../refused.ts";

/** What browsers say of a part of the app that they could not load. They remember it: only a page that is loaded anew asks again. */
const PART = /dynamically imported|importing a module|preload/i;

export class Crash extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    if (PART.test(String(this.state.error))) return <Failed error={new Error(t("error.part"))} retry={() => location.reload()} />;
    const again = () => this.setState({ error: undefined });
    if (problemOf(this.state.error)) return <Failed error={this.state.error} retry={again} />;
    // What a program says of its own fault is no text for people.
    return <Failed error={new Error(t("error.unknown"))} about={String(this.state.error)} retry={again} />;
  }
}
