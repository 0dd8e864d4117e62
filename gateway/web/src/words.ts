/** Every word the application says. */

const plural = (count: number, one: string, many: string) => `${String(count)} ${count === 1 ? one : many}`;

export const words = {
  locale: "en",
  name: "Reelmesh",

  age: {
    now: "just now",
    minutes: (count: number) => `${String(count)} min ago`,
    hours: (count: number) => `${String(count)} h ago`,
    days: (count: number) => (count === 1 ? "yesterday" : `${String(count)} days ago`),
    weeks: (count: number) => `${plural(count, "week", "weeks")} ago`,
    months: (count: number) => `${plural(count, "month", "months")} ago`,
    years: (count: number) => `${plural(count, "year", "years")} ago`,
  },
  left: {
    seconds: (count: number) => `${String(count)} s left`,
    minutes: (count: number) => `${String(count)} min left`,
    hours: (hours: number, minutes: number) => `${String(hours)} h ${String(minutes)} min left`,
  },

  header: {
    skip: "Skip to content",
    home: "Reelmesh, to the library",
    upload: "Upload",
    theme: "Theme",
    themes: { system: "As on this device", light: "Light", dark: "Dark" },
  },

  library: {
    title: "Library",
    count: (count: number, more: boolean) => `${String(count)}${more ? "+" : ""} ${count === 1 ? "video" : "videos"}`,
    loading: "Loading your library",
    more: "Show more",
    loadingMore: "Loading more",
    actions: (title: string) => `Actions for ${title}`,
    failed: "Not playable",
    empty: {
      title: "Bring your first video",
      text: "Drop it here and watch it seconds later.",
      choose: "Choose files",
      hint: "MP4 and WebM play at once. Only you see a video until you share it.",
    },
  },

  visibility: {
    label: "Who may watch",
    names: { PRIVATE: "Private", UNLISTED: "Unlisted", MEMBERS: "Members", PUBLIC: "Public" },
    explained: {
      PRIVATE: "Only you",
      UNLISTED: "Everyone who has the link",
      MEMBERS: "Everyone with an account here",
      PUBLIC: "Everyone, and it is listed",
    },
  },

  upload: {
    region: "Uploads",
    untitled: "Untitled",
    drop: "Drop to upload",
    dropHint: "Anywhere on the page will do",
    title: "Title",
    progress: (title: string) => `Upload of ${title}`,
    of: (done: string, size: string) => `${done} of ${size}`,
    speed: (size: string) => `${size}/s`,
    percent: (value: number) => `${String(value)}%`,
    waiting: "Waiting for its turn",
    starting: "Starting",
    paused: "Paused",
    retrying: "Connection lost. Trying again",
    offline: "You are offline. It goes on when you are back",
    interrupted: "Choose the same file again to go on",
    elsewhere: "Going on in another tab",
    finishing: "All bytes are in. Finishing",
    done: "Ready to watch",
    stored: "Uploaded",
    pause: (title: string) => `Pause ${title}`,
    resume: (title: string) => `Resume ${title}`,
    cancel: (title: string) => `Cancel ${title}`,
    dismiss: (title: string) => `Remove ${title} from this list`,
    retry: "Try again",
    choose: "Choose file",
    watch: "Watch",
    clear: "Clear finished",
    cancelled: (title: string) => `Cancelled “${title}”`,
    summary: (count: number, percent: number) => `${plural(count, "upload", "uploads")}, ${String(percent)}%`,
    announceStart: (title: string) => `Uploading ${title}`,
    announceDone: (title: string) => `${title} is uploaded`,
    announceFailed: (title: string, why: string) => `${title} could not be uploaded. ${why}`,
    duplicate: (title: string) => `“${title}” is already being uploaded.`,
    notSaved: (title: string) => `The change to “${title}” could not be saved. Try once more.`,
    refused: {
      folder: "Folders cannot be uploaded. Open it and drop the files in it.",
      empty: "This file is empty. Check that it was saved completely.",
      type: "This is not a video. Choose a video file, such as MP4, MOV, MKV or WebM.",
      other: (name: string, size: string) => `That is another file. Choose “${name}” (${size}).`,
    },
    errors: {
      beyondLimit: (size: string, limit: string) =>
        `This file is ${size}; the limit is ${limit}. Choose a smaller one.`,
      tooLarge: "This file is larger than the server takes. Choose a smaller one.",
      full: "The server has no space left. Free some, then try again.",
      gone: "The server no longer has this upload. Try again to start over.",
      denied: "You may not upload here. Sign in, then try again.",
      unreadable: "The file can no longer be read. If it was moved or changed, choose it again.",
      unreachable: "The server cannot be reached. Check the connection, then try again.",
      unknown: "The server could not take this file. Try again in a moment.",
    },
  },

  watch: {
    loading: "Loading the video",
    player: "Video player",
    speed: (rate: number) => `${String(rate)}×`,
    speedLabel: (rate: number) => `Speed ${String(rate)}×`,
    time: (now: string, all: string) => `${now} / ${all}`,
    play: "Play",
    you: "You",
    details: "Description",
    more: "Show all",
    less: "Show less",
    next: "More in your library",
    share: "Share",
    download: "Download",
    edit: "Edit",
    delete: "Delete",
    back: "Back to the library",
  },

  share: {
    title: "Share",
    link: "Link",
    copy: "Copy link",
    copied: "Copied",
    notCopied: "Select the link and copy it",
    startAt: (time: string) => `Start at ${time}`,
    private: "Only you can open this link, because the video is private.",
    change: "Change who may watch",
  },

  edit: {
    title: "Edit video",
    name: "Title",
    description: "Description",
    save: "Save",
    saving: "Saving",
    cancel: "Cancel",
    saved: "Saved",
    needTitle: "Give it a title.",
    longTitle: "Keep the title to 200 characters.",
    longDescription: "Keep the description to 10,000 characters.",
    conflict: "It was changed elsewhere in the meantime. Save again to keep your version.",
  },

  deleted: {
    done: (title: string) => `Deleted “${title}”`,
    undo: "Undo",
    restored: (title: string) => `“${title}” is back`,
    failed: (title: string) => `“${title}” could not be deleted. Try once more.`,
    notRestored: (title: string) => `“${title}” could not be brought back. Try once more.`,
  },

  dialog: { close: "Close" },
  notice: { region: "Notices", dismiss: "Dismiss" },

  offline: "You are offline. What is already here still works.",

  pages: {
    missing: {
      title: "Nothing here",
      text: "This address leads nowhere. It may be mistyped, or what was here is gone.",
    },
    missingVideo: {
      title: "This video is not here",
      text: "It may be deleted or private, or the link is incomplete. Ask whoever sent it to share it again.",
    },
    denied: {
      title: "This is not for everyone",
      text: "You have no permission to see it. Ask its owner for access.",
    },
    offline: {
      title: "No connection",
      text: "The server cannot be reached. Check the network; this page goes on by itself once it is back.",
    },
    error: {
      title: "That did not work",
      text: "Something went wrong on the server. It is usually over in a moment.",
    },
    crash: {
      title: "This page stumbled",
      text: "Something went wrong here in the browser. Loading the page again should help.",
    },
    failed: {
      title: "This video could not be made ready",
      text: "The file may be damaged or of a kind we do not know.",
      visitor: "Its owner can see why and try again.",
    },
    uploading: {
      title: "Still on its way",
      text: "Its bytes are coming in. It can be watched as soon as the last one is here.",
    },
    notPlayable: {
      title: "It cannot be played here yet",
      text: "Browsers do not play this kind of file.",
      owner: "To watch it now, upload it as MP4 or WebM.",
    },
    broken: {
      title: "This browser cannot play it",
      text: "The file may be damaged, or of a kind this browser does not know. Download it and try another player.",
    },
    retry: "Try again",
    trying: "Trying",
    reload: "Load again",
    home: "To the library",
    uploads: "See the upload",
  },
} as const;
