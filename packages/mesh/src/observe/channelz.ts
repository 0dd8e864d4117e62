import { getChannelzHandlers, getChannelzServiceDefinition, status, type Metadata, type Server } from "@grpc/grpc-js";
import { CALLER } from "../wire-names.js";
import type { Tokens } from "../tokens.js";
import { asChannelzHandler } from "../typed.js";

const LOOPBACK = /^(?:127\.\d|\[?::1\]?:|::ffff:127\.|\[::ffff:127\.)/;

/**
 * Serves grpc.channelz.v1, which tells of every channel, connection and server of this process: to operators, who come
 * by loopback, and to services of this mesh.
 */
export function addChannelz(server: Server, tokens: Tokens): void {
  const handlers = Object.entries(getChannelzHandlers()).map(([name, handler]) => {
    const answer = asChannelzHandler(handler);
    const guarded: typeof answer = (call, callback) => {
      void mayLook(call.getPeer(), call.metadata, tokens).then((allowed) => {
        if (allowed) answer(call, callback);
        else callback({ code: status.PERMISSION_DENIED, details: "Channelz answers operators on this machine" });
      });
    };
    return [name, guarded] as const;
  });
  server.addService(getChannelzServiceDefinition(), Object.fromEntries(handlers));
}

async function mayLook(peer: string, metadata: Metadata, tokens: Tokens): Promise<boolean> {
  if (LOOPBACK.test(peer)) return true;
  const [token] = metadata.get(CALLER);
  if (typeof token !== "string") return false;
  return tokens.serviceOf(token).then(
    () => true,
    () => false,
  );
}
