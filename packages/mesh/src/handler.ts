import type {
  MethodDefinition as GrpcMethod,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
  sendUnaryData,
} from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { AccessRule } from "./access.js";
import { createCodec, type Codec } from "./codec.js";
import { traitsOf, type MethodDefinition, type ServiceDefinition } from "./definition.js";
import { DomainError } from "./errors.js";
import { runCall, type CallEnvironment, type CalledMethod } from "./running-call.js";
import { createSender } from "./send.js";
import { asStreamHandler, asUnaryHandler } from "./typed.js";

/** A method as grpc-js registers it, which deals in bytes: what a handler makes of them is decoded under its own guard. */
export function grpcMethod(service: ServiceDefinition, method: MethodDefinition): GrpcMethod<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes;
  return {
    path: traitsOf(service, method).path,
    requestStream: false,
    responseStream: method.responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** One method's work as grpc-js calls it. */
export function grpcHandler(
  environment: CallEnvironment,
  service: ServiceDefinition,
  method: MethodDefinition,
  work: unknown,
  { rule, log }: { rule: AccessRule | undefined; log: Logger },
): UntypedHandleCall {
  const traits = traitsOf(service, method);
  const rpc = traits.path.slice(1);
  const called: CalledMethod = {
    rpc,
    kind: traits.kind,
    rule,
    log: log.child({ service: environment.module, rpc }),
  };
  const request = createCodec(method.requestType, traits.requestBytesField);
  const response = createCodec(method.responseType, traits.responseBytesField);
  const encode = (message: unknown) => response.serialize(method.responseType.fromPartial(message));

  if (method.responseStream) {
    const handler = asStreamHandler(work);
    const serveStream = async (call: ServerWritableStream<Buffer, Buffer>) => {
      const outcome = await runCall(environment, call, called, async (context) => {
        const send = createSender(call, context.signal);
        for await (const message of handler(decode(request, call.request), context)) {
          await send(encode(message));
        }
      });
      if ("failure" in outcome) call.emit("error", outcome.failure);
      else call.end();
    };
    return (call: ServerWritableStream<Buffer, Buffer>) => void serveStream(call);
  }

  const handler = asUnaryHandler(work);
  const serveUnary = async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    const outcome = await runCall(environment, call, called, async (context) =>
      encode(await handler(decode(request, call.request), context)),
    );
    if ("failure" in outcome) callback(outcome.failure);
    else callback(null, outcome.answer);
  };
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => void serveUnary(call, callback);
}

function decode(codec: Codec, bytes: Buffer): unknown {
  try {
    return codec.deserialize(bytes);
  } catch {
    throw new DomainError("INVALID_FIELD", { field: "request", problem: "is not a message of this method's type" });
  }
}
