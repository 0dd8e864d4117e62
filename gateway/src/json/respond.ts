import { fromBinary, toJsonString, type DescMethod } from "@bufbuild/protobuf";
import type { ServerResponse } from "node:http";

/** Ends the response with the method's answer in proto3 JSON, which leaves out what has its default. */
export function sendAnswer(response: ServerResponse, method: DescMethod, answer: Uint8Array): void {
  const body = Buffer.from(toJsonString(method.output, fromBinary(method.output, answer)));
  const headers = { "content-type": "application/json", "content-length": body.length, "cache-control": "no-store" };
  response.writeHead(200, headers).end(body);
}
