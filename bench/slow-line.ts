/**
 * A slow line in front of a server, in a process of its own: whatever comes in, either way, arrives later by so much.
 * Its arguments are where to listen, where the server is, each as host and port, and the delay each way in milliseconds.
 */
import { connect, createServer, type Socket } from "node:net";

const [, , host = "", port = "", serverHost = "", serverPort = "", delay = ""] = process.argv;
const DELAY_MS = Number(delay);

function carry(from: Socket, to: Socket): void {
  const later = (act: () => void) => {
    setTimeout(act, DELAY_MS);
  };
  from.on("data", (bytes) => {
    later(() => to.write(bytes));
  });
  from.on("close", () => {
    later(() => to.destroy());
  });
  // What follows is its close.
  from.on("error", () => undefined);
}

const server = createServer((near) => {
  const far = connect(Number(serverPort), serverHost);
  for (const socket of [near, far]) socket.setNoDelay(true);
  carry(near, far);
  carry(far, near);
});
server.listen(Number(port), host, () => process.send?.("ready"));
process.on("disconnect", () => process.exit());
