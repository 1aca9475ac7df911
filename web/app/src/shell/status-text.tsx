/** A line beside the user's name, for others. */
import { t } from "../i18n.ts";
import Ask from "../kit/ask.tsx";
import { Field } from "../kit/kit.tsx";

export default function StatusText({ text, onClose, onKeep }: { text: string; onClose: () => void; onKeep: (text: string) => void }) {
  const submit = async (form: FormData) => onKeep(String(form.get("text")).trim());
  return (
    <Ask title={t("account.text")} text={t("account.text_about")} action={t("action.save")} onClose={onClose} onSubmit={submit}>
      <Field label={t("account.text_label")} name="text" defaultValue={text} maxLength={100} autoComplete="off" autoFocus />
    </Ask>
  );
}
