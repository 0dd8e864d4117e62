import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthContract } from "grpc-health-check";
import { image } from "@reelmesh/proto/image.js";

/** Lets grpcurl ask a server what it offers (grpc.reflection.v1 and v1alpha). */
export function addReflection(server: Server, services: readonly string[]): void {
  const contracts = { ...loadFileDescriptorSetFromBuffer(image), ...loadSync(healthContract) };
  new ReflectionService(contracts, { services: [...services, "grpc.health.v1.Health"] }).addToServer(server);
}
