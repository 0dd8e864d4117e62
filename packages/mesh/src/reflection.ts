import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Server } from "@grpc/grpc-js";
import { loadSync, type EnumTypeDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthContract } from "grpc-health-check";
import { image } from "@reelmesh/proto/image.js";

let contracts: EnumTypeDefinition | undefined;

/** Lets grpcurl ask a server what it offers (grpc.reflection.v1 and v1alpha). */
export function addReflection(server: Server, services: readonly string[]): void {
  contracts ??= readContracts();
  const offered = { services: [...services, "grpc.health.v1.Health"] };
  new ReflectionService({ contracts }, offered).addToServer(server);
}

/**
 * Every contract's file as buf wrote it. proto-loader's own would not do: it melts the files of a package into one
 * without imports, which grpcurl cannot resolve. Reflection reads the files of any one type, so one bears them all.
 */
function readContracts(): EnumTypeDefinition {
  return {
    format: "Protocol Buffer 3 EnumDescriptorProto",
    type: {},
    fileDescriptorProtos: [...filesOf(image), healthFile()],
  };
}

/** The serialized files of a serialized google.protobuf.FileDescriptorSet: its field 1, repeated. */
function filesOf(set: Uint8Array): Buffer[] {
  const reader = new BinaryReader(set);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    reader.tag();
    files.push(Buffer.from(reader.bytes()));
  }
  return files;
}

/** The contract of health, a single file that imports nothing, its maps named as protoc does. */
function healthFile(): Buffer {
  const [bytes = Buffer.alloc(0)] = Object.values(loadSync(healthContract)).flatMap((type) =>
    "fileDescriptorProtos" in type && Array.isArray(type.fileDescriptorProtos) ? type.fileDescriptorProtos : [],
  );
  const file = fromBinary(FileDescriptorProtoSchema, bytes);
  for (const { field, nestedType } of file.messageType) {
    for (const entry of nestedType.filter(({ options }) => options?.mapEntry)) {
      const name = `${entry.name}Entry`;
      for (const map of field.filter(({ typeName }) => typeName === entry.name)) map.typeName = name;
      entry.name = name;
    }
  }
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
}
