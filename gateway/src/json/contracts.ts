import { create, createFileRegistry, fromBinary, setExtension, type FileRegistry } from "@bufbuild/protobuf";
import {
  EnumValueOptionsSchema,
  FileDescriptorSetSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import {
  json as jsonOption,
  JsonEnumValueOptionsSchema,
} from "@bufbuild/protobuf/wkt/google/protobuf/json_enumvalue_options_pb.js";

/**
 * Reads the contracts out of a serialized google.protobuf.FileDescriptorSet. In JSON their enum values go by the names
 * without the enum's own: `PUBLIC` for `VISIBILITY_PUBLIC`; requests may use either.
 */
export function readContracts(image: Uint8Array): FileRegistry {
  const set = fromBinary(FileDescriptorSetSchema, image);
  for (const file of set.file) {
    file.enumType.forEach(shortenNames);
    file.messageType.forEach(shortenNamesWithin);
  }
  return createFileRegistry(set);
}

function shortenNamesWithin(message: DescriptorProto): void {
  message.enumType.forEach(shortenNames);
  message.nestedType.forEach(shortenNamesWithin);
}

function shortenNames(descriptor: EnumDescriptorProto): void {
  const prefix = `${descriptor.name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}_`;
  for (const value of descriptor.value) {
    const short = value.name.startsWith(prefix) ? value.name.slice(prefix.length) : "";
    if (!/^[A-Z]/.test(short)) continue;
    value.options ??= create(EnumValueOptionsSchema);
    setExtension(value.options, jsonOption, create(JsonEnumValueOptionsSchema, { string: short }));
  }
}
