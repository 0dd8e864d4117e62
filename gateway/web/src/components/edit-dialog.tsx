import { useId, useState } from "preact/hooks";
import { saveVideo, type EditOutcome } from "../edit-video.js";
import type { Video } from "../model.js";
import { announce } from "../notices.js";
import { words } from "../words.js";
import { Dialog } from "./dialog.js";
import { VisibilityChoice } from "./visibility.js";

interface EditDialogProps {
  readonly video: Video;
  readonly onClose: () => void;
}

export function EditDialog({ video, onClose }: EditDialogProps) {
  const [base, setBase] = useState(video);
  const [title, setTitle] = useState(video.title);
  const [description, setDescription] = useState(video.description);
  const [visibility, setVisibility] = useState(video.visibility);
  const [problem, setProblem] = useState({ field: "", text: "" });
  const [saving, setSaving] = useState(false);
  const id = useId();

  const conclude = (outcome: EditOutcome) => {
    if (outcome.kind === "saved") {
      announce(words.edit.saved);
      onClose();
      return;
    }
    if (outcome.kind === "conflict") setBase(outcome.current);
    setProblem(outcome.kind === "conflict" ? { field: "", text: words.edit.conflict } : outcome);
    setSaving(false);
  };

  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    setSaving(true);
    conclude(await saveVideo(base, { title: title.trim(), description, visibility }));
  };

  const faulty = (field: string) =>
    problem.field === field ? { "aria-invalid": true, "aria-describedby": `${id}-problem` } : {};

  return (
    <Dialog title={words.edit.title} onClose={onClose}>
      <form class="form" noValidate onSubmit={(event) => void save(event)}>
        <label class="label" for={`${id}-title`}>
          {words.edit.name}
        </label>
        <input
          id={`${id}-title`}
          class="input"
          value={title}
          autocomplete="off"
          {...faulty("title")}
          onInput={({ currentTarget }) => {
            setTitle(currentTarget.value);
          }}
        />
        <label class="label" for={`${id}-description`}>
          {words.edit.description}
        </label>
        <textarea
          id={`${id}-description`}
          class="input input-tall"
          rows={3}
          value={description}
          {...faulty("description")}
          onInput={({ currentTarget }) => {
            setDescription(currentTarget.value);
          }}
        />
        <VisibilityChoice value={visibility} onChange={setVisibility} />
        <p id={`${id}-problem`} class="form-problem" role="alert">
          {problem.text}
        </p>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {words.edit.cancel}
          </button>
          <button type="submit" class="button button-primary" disabled={saving}>
            {saving ? words.edit.saving : words.edit.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
