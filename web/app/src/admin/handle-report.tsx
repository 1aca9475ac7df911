/** Closes a report, and deletes its message first where that is the answer. */
import { answer, ProblemError } from "@tidings/client";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import type { Handling, Report } from "./reports.tsx";

const TITLES: Record<Handling, string> = { delete: "reports.delete", actioned: "reports.act", dismissed: "reports.dismiss" };
const TEXTS: Record<Handling, string> = { delete: "reports.delete_text", actioned: "reports.act_text", dismissed: "reports.dismiss_text" };

/** What is gone already need not be deleted. */
async function remove(message_id: string, why: string): Promise<void> {
  await answer(client.api.DELETE("/v1/admin/messages/{message_id}", { params: { path: { message_id } }, body: { reason: why } })).catch((error: unknown) => {
    if (!(error instanceof ProblemError && (error.status === 404 || error.status === 410))) throw error;
  });
}

export default function HandleReport({ report, how, onClose, onDone }: { report: Report; how: Handling; onClose: () => void; onDone: () => void }) {
  const submit = async (form: FormData) => {
    const why = reason(form).reason;
    if (how === "delete") await remove(report.message.id, why ?? "");
    const status = how === "dismissed" ? "dismissed" : "actioned";
    await answer(client.api.PATCH("/v1/admin/reports/{report_id}", { params: { path: { report_id: report.id } }, body: { status, ...(why ? { note: why } : {}) } }));
    onDone();
  };
  return (
    <Ask title={t(TITLES[how])} text={t(TEXTS[how])} action={t(TITLES[how])} danger={how === "delete"} onClose={onClose} onSubmit={submit}>
      <Reason optional={how !== "delete"} label={how === "delete" ? t("reason.label") : t("reports.note")} hint={how === "delete" ? t("reason.audit") : ""} />
    </Ask>
  );
}
