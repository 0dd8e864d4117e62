import { CircleAlert, CircleCheck, Film, Pause, Play, X } from "lucide-preact";
import { useStore } from "../hooks.js";
import { formatBytes, formatTimeLeft } from "../format.js";
import { idOf } from "../model.js";
import { stills } from "../posters.js";
import { watchPath } from "../router.js";
import { percentOf, secondsLeft, speedOf } from "../upload-progress.js";
import type { UploadItem } from "../upload-state.js";
import { editUpload } from "../upload-sync.js";
import { cancelUpload, continueUpload, dismissUpload, pauseUpload, resumeUpload } from "../uploads.js";
import { words } from "../words.js";
import { FileButton } from "./file-button.js";
import { Link } from "./link.js";
import { Still } from "./poster.js";
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
    case "elsewhere":
      return [said.elsewhere, progressed(item)];
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
          class="button"
          onClick={() => {
            resumeUpload(key);
          }}
        >
          {said.retry}
        </button>
      )}
      {phase === "interrupted" && (
        <FileButton
          class="button"
          onFiles={([file]) => {
            if (file) continueUpload(key, file);
          }}
        >
          {said.choose}
        </FileButton>
      )}
      {phase === "done" && item.note === "" && (
        <Link
          class="button"
          href={watchPath(idOf(item.video))}
          onFollow={() => {
            dismissUpload(key);
          }}
        >
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

/** The file's own picture, as soon as there is one. */
function Picture({ item }: { readonly item: UploadItem }) {
  const frame = useStore(stills).get(item.key);
  return <div class="upload-picture">{frame ? <Still frame={frame} /> : <Film aria-hidden="true" />}</div>;
}

function Sign({ phase }: { readonly phase: UploadItem["phase"] }) {
  if (phase === "done") return <CircleCheck class="upload-sign" aria-hidden="true" size={16} />;
  if (phase === "failed" || phase === "rejected") {
    return <CircleAlert class="upload-sign" aria-hidden="true" size={16} />;
  }
  return null;
}

function Title({ item }: { readonly item: UploadItem }) {
  const { key, phase, title, visibility } = item;
  if (phase === "rejected") return <p class="upload-title">{item.filename}</p>;
  return (
    <>
      <input
        class="upload-title"
        aria-label={said.title}
        maxLength={200}
        value={title}
        onChange={({ currentTarget }) => {
          const next = currentTarget.value.trim();
          if (next === "") currentTarget.value = title;
          else editUpload(key, { title: next });
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
        }}
      />
      <VisibilitySelect
        value={visibility}
        onChange={(next) => {
          editUpload(key, { visibility: next });
        }}
      />
    </>
  );
}

/** One file on its way: its title and visibility can be changed while it is. */
export function UploadRow({ item }: { readonly item: UploadItem }) {
  const { phase } = item;
  return (
    <li class="upload" data-phase={phase}>
      <Picture item={item} />
      <div class="upload-head">
        <Title item={item} />
      </div>
      <Actions item={item} />
      <div class="upload-state">
        {phase !== "done" && phase !== "rejected" && <Bar item={item} />}
        <p class="upload-status">
          <Sign phase={phase} />
          {statusOf(item).map((part) => (
            <span key={part}>{part}</span>
          ))}
        </p>
      </div>
    </li>
  );
}
