import { Check, Copy } from "lucide-preact";
import { useId, useRef, useState } from "preact/hooks";
import { formatDuration } from "../format.js";
import { idOf, type Video } from "../model.js";
import { watchPath } from "../router.js";
import { words } from "../words.js";
import { Dialog } from "./dialog.js";

interface ShareDialogProps {
  readonly video: Video;
  readonly seconds: number;
  readonly onClose: () => void;
  readonly onEdit: () => void;
}

export function ShareDialog({ video, seconds, onClose, onEdit }: ShareDialogProps) {
  const [timed, setTimed] = useState(false);
  const [result, setResult] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const link = `${location.origin}${watchPath(idOf(video.name), timed ? seconds : 0)}`;

  const copy = async () => {
    input.current?.select();
    try {
      await navigator.clipboard.writeText(link);
      setResult(words.share.copied);
    } catch {
      setResult(words.share.notCopied);
    }
  };

  return (
    <Dialog title={words.share.title} onClose={onClose}>
      <label class="label" for={id}>
        {words.share.link}
      </label>
      <div class="share-row">
        <input ref={input} id={id} class="input" readOnly value={link} onFocus={() => input.current?.select()} />
        <button type="button" class="button button-primary" onClick={() => void copy()}>
          {result === words.share.copied ? (
            <Check aria-hidden="true" size={16} />
          ) : (
            <Copy aria-hidden="true" size={16} />
          )}
          {result === words.share.copied ? result : words.share.copy}
        </button>
      </div>
      <p class="hint" role="status">
        {result === words.share.copied ? "" : result}
      </p>
      {seconds >= 1 && (
        <label class="check">
          <input
            type="checkbox"
            checked={timed}
            onChange={({ currentTarget }) => {
              setTimed(currentTarget.checked);
              setResult("");
            }}
          />
          {words.share.startAt(formatDuration(Math.floor(seconds) * 1000))}
        </label>
      )}
      {video.visibility === "PRIVATE" && (
        <p class="callout">
          {words.share.private}{" "}
          <button type="button" class="link" onClick={onEdit}>
            {words.share.change}
          </button>
        </p>
      )}
    </Dialog>
  );
}
