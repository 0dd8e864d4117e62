import type { Server } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthContract } from "grpc-health-check";
import { image } from "@reelmesh/proto/image.js";

let contracts: PackageDefinition | undefined;

/** Lets grpcurl ask a server what it offers (grpc.reflection.v1 and v1alpha). */
export function addReflection(server: Server, services: readonly string[]): void {
  contracts ??= { ...oneType(loadFileDescriptorSetFromBuffer(image)), ...oneType(loadSync(healthContract)) };
  new ReflectionService(contracts, { services: [...services, "grpc.health.v1.Health"] }).addToServer(server);
}

/** Any one type of a definition: each bears the files of all, and reflection would read them again for every type. */
function oneType(definition: PackageDefinition): PackageDefinition {
  const types = Object.entries(definition).filter(([, type]) => "fileDescriptorProtos" in type);
  return Object.fromEntries(types.slice(0, 1));
}
