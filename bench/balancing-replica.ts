/** A replica for the balancing benchmark: prints where it is, and does as its input, line by line, says. */
import { createInterface } from "node:readline";
import { Metadata, Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

const asIs = (bytes: Buffer) => bytes;
const method = {
  path: "/bench.Echo/Call",
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

let delayMs = 0;
let failing = 0;
const health = new HealthImplementation({ "": "SERVING" });
const server = new Server();
server.addService(
  { Call: method },
  {
    Call(_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
      const answer = () => {
        if (Math.random() < failing) done({ code: status.INTERNAL, details: "on purpose", metadata: new Metadata() });
        else done(null, Buffer.alloc(0));
      };
      if (delayMs > 0) setTimeout(answer, delayMs);
      else answer();
    },
  },
);
health.addToServer(server);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`127.0.0.1:${port}`);
});

for await (const line of createInterface(process.stdin)) {
  const [what, value] = line.split(" ");
  if (what === "delay") delayMs = Number(value);
  else if (what === "fail") failing = Number(value);
  else if (what === "health") health.setStatus("", value === "down" ? "NOT_SERVING" : "SERVING");
}
process.exit();
