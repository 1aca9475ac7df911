/** Tells the moderators of a message. */
import { answer, type Message } from "@tidings/client";
import { useRef, useState } from "react";
import { client } from "../client.ts";
import { t } from "../i18n.ts";
import Ask, { Reason, reason } from "../kit/ask.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Button, css } from "../kit/kit.tsx";

export default function ReportMessage({ message, onClose }: { message: Message; onClose: () => void }) {
  const sent = useRef(false);
  const [done, setDone] = useState(false);
  const submit = async (form: FormData) => {
    await answer(client.api.POST("/v1/messages/{message_id}/reports", { params: { path: { message_id: message.id } }, body: { reason: reason(form).reason ?? "" } }));
    sent.current = true;
  };
  if (done) {
    return (
      <Dialog title={t("message.report")} onClose={onClose}>
        <p role="status">{t("complaint.done")}</p>
        <div className={`${css["row"]} ${css["end"]}`}><Button look="primary" autoFocus onClick={onClose}>{t("action.close")}</Button></div>
      </Dialog>
    );
  }
  return (
    <Ask title={t("message.report")} text={t("complaint.text")} action={t("complaint.send")} onClose={() => (sent.current ? setDone(true) : onClose())} onSubmit={submit}>
      <Reason label={t("complaint.why")} />
    </Ask>
  );
}
