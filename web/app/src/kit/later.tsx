/** A part that comes when it is wanted. One that cannot be had says so in its place, and leaves everything else alone. */
import { Component, Suspense, type ReactNode } from "react";
import { t } from "../i18n.ts";
import { Button, css } from "./kit.tsx";

export class Later extends Component<{ children: ReactNode; fallback?: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return <Suspense fallback={this.props.fallback ?? null}>{this.props.children}</Suspense>;
    // Drafts and what waits outlive the page.
    return (
      <div className={css["toast"]} role="alert">
        <span>{t("error.part")}</span>
        <Button onClick={() => location.reload()}>{t("updated.reload")}</Button>
        <Button look="plain" onClick={() => this.setState({ failed: false })}>{t("action.close")}</Button>
      </div>
    );
  }
}
