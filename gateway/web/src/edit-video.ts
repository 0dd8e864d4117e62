import { api, type VideoEdit } from "./api.js";
import { showVideo } from "./library.js";
import type { Video } from "./model.js";
import { toProblem, type Problem } from "./problem.js";
import { words } from "./words.js";

export type EditOutcome =
  | { readonly kind: "saved"; readonly video: Video }
  | { readonly kind: "refused"; readonly field: string; readonly text: string }
  /** Somebody else changed one of the fields; `current` is theirs. */
  | { readonly kind: "conflict"; readonly current: Video };

type Fields = Required<VideoEdit>;

/** What is wrong with a form before the server sees it. */
export function checkFields({ title, description }: Fields): { field: string; text: string } | undefined {
  if (title === "") return { field: "title", text: words.edit.needTitle };
  if (Array.from(title).length > 200) return { field: "title", text: words.edit.longTitle };
  if (Array.from(description).length > 10_000) return { field: "description", text: words.edit.longDescription };
  return undefined;
}

const sameFields = (a: Video, b: Video) =>
  a.title === b.title && a.description === b.description && a.visibility === b.visibility;

function changes(base: Video, fields: Fields): VideoEdit {
  return {
    ...(fields.title === base.title ? {} : { title: fields.title }),
    ...(fields.description === base.description ? {} : { description: fields.description }),
    ...(fields.visibility === base.visibility ? {} : { visibility: fields.visibility }),
  };
}

function refused(problem: Problem): EditOutcome {
  const text = problem.detail || (problem.status === 0 ? words.pages.offline.text : words.pages.error.text);
  return { kind: "refused", field: problem.field.replace(/^video\./, ""), text };
}

/** Writes what differs from `base`, unless somebody else changed the same video's fields since. Never throws. */
export async function saveVideo(base: Video, fields: Fields): Promise<EditOutcome> {
  const fault = checkFields(fields);
  if (fault) return { kind: "refused", ...fault };
  const edit = changes(base, fields);
  if (Object.keys(edit).length === 0) return { kind: "saved", video: base };
  try {
    const video = await api.updateVideo(base.name, edit, base.etag);
    showVideo(video);
    return { kind: "saved", video };
  } catch (error) {
    const problem = toProblem(error);
    return problem.reason === "ETAG_MISMATCH" ? await reconcile(base, fields) : refused(problem);
  }
}

/** The etag also moves when the video is made ready, which is nobody's edit. */
async function reconcile(base: Video, fields: Fields): Promise<EditOutcome> {
  try {
    const current = await api.getVideo(base.name);
    if (!sameFields(base, current)) return { kind: "conflict", current };
    const video = await api.updateVideo(base.name, changes(base, fields), current.etag);
    showVideo(video);
    return { kind: "saved", video };
  } catch (error) {
    return refused(toProblem(error));
  }
}
