import { Upload as UploadMessage, Upload_State } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import type { Upload, UploadState } from "./upload.js";

const STATES: Readonly<Record<UploadState, Upload_State>> = {
  CREATING: Upload_State.RECEIVING,
  RECEIVING: Upload_State.RECEIVING,
  FINISHING: Upload_State.FINISHING,
  FINISHED: Upload_State.FINISHED,
  REMOVING: Upload_State.UNSPECIFIED,
};

/** An upload as callers see it. */
export function toMessage(upload: Upload): UploadMessage {
  return UploadMessage.fromPartial({
    name: `uploads/${upload._id}`,
    owner: upload.owner,
    video: upload.video,
    state: STATES[upload.state],
    sizeBytes: BigInt(upload.sizeBytes),
    offsetBytes: BigInt(upload.offset),
    filename: upload.filename,
    contentType: upload.contentType,
    clientMetadata: upload.clientMetadata,
    createTime: upload.createTime,
    expireTime: upload.expireTime,
  });
}
