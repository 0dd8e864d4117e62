import { Upload } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { addFiles, refuseFolder } from "../uploads.js";
import { words } from "../words.js";

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;

function take(transfer: DataTransfer): void {
  const files: File[] = [];
  for (const item of transfer.items) {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) refuseFolder(entry.name);
    else if (file) files.push(file);
  }
  addFiles(files);
}

/** Takes files that are dropped anywhere on the page. */
export function DropTarget() {
  const [over, setOver] = useState(false);

  useEffect(() => {
    // Entering a child comes before leaving its parent.
    let depth = 0;
    const settle = (next: number) => {
      depth = Math.max(0, next);
      setOver(depth > 0);
    };
    const enter = (event: DragEvent) => {
      if (hasFiles(event)) settle(depth + 1);
    };
    const leave = (event: DragEvent) => {
      if (hasFiles(event)) settle(depth - 1);
    };
    const hover = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      settle(0);
      if (event.dataTransfer) take(event.dataTransfer);
    };
    const stop = new AbortController();
    const { signal } = stop;
    window.addEventListener("dragenter", enter, { signal });
    window.addEventListener("dragleave", leave, { signal });
    window.addEventListener("dragover", hover, { signal });
    window.addEventListener("drop", drop, { signal });
    return () => {
      stop.abort();
    };
  }, []);

  return (
    <div class="drop" data-over={over} aria-hidden="true">
      <div class="drop-box">
        <Upload size={32} />
        <strong>{words.upload.drop}</strong>
        <span>{words.upload.dropHint}</span>
      </div>
    </div>
  );
}
