import { CircleAlert, CircleCheck, Film, Pause, Play, X } from "lucide-preact";
import { formatBytes, formatTimeLeft } from "../format.js";
import { idOf } from "../model.js";
import { watchPath } from "../router.js";
import { isPassive, percentOf, secondsLeft, speedOf, type UploadItem } from "../upload-state.js";
import { cancelUpload, continueUpload, dismissUpload, editUpload, pauseUpload, resumeUpload } from "../uploads.js";
import { words } from "../words.js";
import { FileButton } from "./file-button.js";
import { Link } from "./link.js";
import { VisibilitySelect } from "./visibility.js";

const said = words.upload;

function running(item: UploadItem): string[] {
  const speed = speedOf(item);
  const left = secondsLeft(item);
  return [
    said.of(formatBytes(item.ackedBytes), formatBytes(item.sizeBytes)),
    ...(speed > 0 ? [said.speed(formatBytes(speed))] : []),
    ...(left === undefined ? [] : [formatTimeLeft(left)]),
  ];
}

const progressed = (item: UploadItem) => said.of(formatBytes(item.ackedBytes), formatBytes(item.sizeBytes));

/** What a row says, in parts. */
function statusOf(item: UploadItem): string[] {
  switch (item.phase) {
    case "waiting":
      return [said.waiting, formatBytes(item.sizeBytes)];
    case "uploading":
      return running(item);
    case "paused":
      return [said.paused, progressed(item)];
    case "retrying":
      return [navigator.onLine ? said.retrying : said.offline, progressed(item)];
    case "interrupted":
      return [said.interrupted, progressed(item)];
    case "finishing":
      return [said.finishing];
    case "done":
      return item.note === "" ? [said.done] : [said.stored, item.note];
    case "failed":
    case "rejected":
      return [item.note];
  }
}

function Bar({ item }: { readonly item: UploadItem }) {
  const part = (bytes: number) => `${String(item.sizeBytes > 0 ? (bytes / item.sizeBytes) * 100 : 0)}%`;
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={said.progress(item.title)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percentOf(item)}
    >
      <div class="bar-sent" style={{ width: part(item.sentBytes) }} />
      <div class="bar-acked" style={{ width: part(item.ackedBytes) }} />
    </div>
  );
}

function Actions({ item }: { readonly item: UploadItem }) {
  const { key, phase, title } = item;
  const over = phase === "done" || phase === "rejected";
  return (
    <div class="upload-actions">
      {(phase === "uploading" || phase === "retrying" || phase === "waiting") && (
        <button
          type="button"
          class="button button-icon"
          aria-label={said.pause(title)}
          onClick={() => {
            pauseUpload(key);
          }}
        >
          <Pause aria-hidden="true" />
        </button>
      )}
      {phase === "paused" && (
        <button
          type="button"
          class="button button-icon"
          aria-label={said.resume(title)}
          onClick={() => {
            resumeUpload(key);
          }}
        >
          <Play aria-hidden="true" />
        </button>
      )}
      {phase === "failed" && (
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            resumeUpload(key);
          }}
        >
          {said.retry}
        </button>
      )}
      {phase === "interrupted" && (
        <FileButton
          class="button button-small"
          onFiles={([file]) => {
            if (file) continueUpload(key, file);
          }}
        >
          {said.choose}
        </FileButton>
      )}
      {phase === "done" && item.note === "" && (
        <Link class="button button-small" href={watchPath(idOf(item.video))}>
          {said.watch}
        </Link>
      )}
      {phase !== "finishing" && (
        <button
          type="button"
          class="button button-icon"
          aria-label={over ? said.dismiss(title) : said.cancel(title)}
          onClick={() => {
            if (over) dismissUpload(key);
            else cancelUpload(key);
          }}
        >
          <X aria-hidden="true" />
        </button>
      )}
    </div>
  );
}

function Sign({ phase }: { readonly phase: UploadItem["phase"] }) {
  if (phase === "done") return <CircleCheck class="upload-sign upload-sign-done" aria-hidden="true" />;
  if (phase === "failed" || phase === "rejected") {
    return <CircleAlert class="upload-sign upload-sign-failed" aria-hidden="true" />;
  }
  return <Film class="upload-sign" aria-hidden="true" />;
}

/** One file on its way: its title and visibility can be changed while it is. */
export function UploadRow({ item }: { readonly item: UploadItem }) {
  const { key, phase } = item;
  const moving = phase !== "done" && phase !== "rejected";
  const editable = phase !== "rejected" && !(isPassive(item) && item.video === "");
  return (
    <li class="upload" data-phase={phase}>
      <Sign phase={phase} />
      <div class="upload-main">
        <div class="upload-head">
          {editable ? (
            <input
              class="upload-title"
              aria-label={said.title}
              maxLength={200}
              value={item.title}
              onChange={({ currentTarget }) => {
                const title = currentTarget.value.trim();
                if (title === "") currentTarget.value = item.title;
                else editUpload(key, { title });
              }}
              onKeyDown={(event) => {
                if (event.key === "Enter") event.currentTarget.blur();
              }}
            />
          ) : (
            <span class="upload-title">{item.filename}</span>
          )}
          {editable && (
            <VisibilitySelect
              value={item.visibility}
              onChange={(visibility) => {
                editUpload(key, { visibility });
              }}
            />
          )}
        </div>
        {moving && <Bar item={item} />}
        <p class="upload-status">
          {statusOf(item).map((part) => (
            <span key={part}>{part}</span>
          ))}
        </p>
      </div>
      <Actions item={item} />
    </li>
  );
}
