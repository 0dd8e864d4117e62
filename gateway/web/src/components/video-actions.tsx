import { EllipsisVertical, Pencil, Share2, Trash2 } from "lucide-preact";
import { useState } from "preact/hooks";
import { deleteVideo } from "../library.js";
import type { Video } from "../model.js";
import { words } from "../words.js";
import { EditDialog } from "./edit-dialog.js";
import { Menu, MenuItem } from "./menu.js";
import { ShareDialog } from "./share-dialog.js";

type Open = "share" | "edit" | "none";

interface VideoDialogsProps {
  readonly video: Video;
  readonly open: Open;
  /** Where playback stands, to share a place in it. */
  readonly seconds?: number;
  readonly onOpen: (open: Open) => void;
}

/** What the actions on a video open. */
export function VideoDialogs({ video, open, seconds = 0, onOpen }: VideoDialogsProps) {
  const close = () => {
    onOpen("none");
  };
  if (open === "edit") return <EditDialog video={video} onClose={close} />;
  if (open === "none") return null;
  return (
    <ShareDialog
      video={video}
      seconds={seconds}
      onClose={close}
      onEdit={() => {
        onOpen("edit");
      }}
    />
  );
}

export function VideoMenu({ video }: { readonly video: Video }) {
  const [open, setOpen] = useState<Open>("none");
  return (
    <>
      <Menu class="card-menu" label={words.library.actions(video.title)} icon={<EllipsisVertical aria-hidden="true" />}>
        <MenuItem
          icon={<Share2 aria-hidden="true" size={16} />}
          onChoose={() => {
            setOpen("share");
          }}
        >
          {words.watch.share}
        </MenuItem>
        <MenuItem
          icon={<Pencil aria-hidden="true" size={16} />}
          onChoose={() => {
            setOpen("edit");
          }}
        >
          {words.watch.edit}
        </MenuItem>
        <MenuItem danger icon={<Trash2 aria-hidden="true" size={16} />} onChoose={() => void deleteVideo(video)}>
          {words.watch.delete}
        </MenuItem>
      </Menu>
      <VideoDialogs video={video} open={open} onOpen={setOpen} />
    </>
  );
}
