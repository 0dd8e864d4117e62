import type { DescField, DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";

type Commented = DescService | DescMethod | DescMessage | DescField;

const commentsByFile = new WeakMap<DescFile, ReadonlyMap<string, string>>();

/** What the contract says above the declaration; empty where the descriptors were built without comments. */
export function commentOf(declared: Commented): string {
  const file = declared.kind === "service" || declared.kind === "message" ? declared.file : declared.parent.file;
  let comments = commentsByFile.get(file);
  if (!comments) {
    const locations = file.proto.sourceCodeInfo?.location ?? [];
    comments = new Map(locations.map(({ path, leadingComments }) => [path.join("."), unindent(leadingComments)]));
    commentsByFile.set(file, comments);
  }
  return comments.get(locationOf(declared).join(".")) ?? "";
}

/** A declaration's path in its file, by field numbers and indexes: google.protobuf.SourceCodeInfo.Location.path. */
function locationOf(declared: Commented): readonly number[] {
  switch (declared.kind) {
    case "service":
      return [6, declared.file.proto.service.indexOf(declared.proto)];
    case "rpc":
      return [...locationOf(declared.parent), 2, declared.parent.proto.method.indexOf(declared.proto)];
    case "field":
      return [...locationOf(declared.parent), 2, declared.parent.proto.field.indexOf(declared.proto)];
    case "message":
      return declared.parent
        ? [...locationOf(declared.parent), 3, declared.parent.proto.nestedType.indexOf(declared.proto)]
        : [4, declared.file.proto.messageType.indexOf(declared.proto)];
  }
}

function unindent(comment: string): string {
  return comment.replace(/^ /gm, "").trim();
}
