import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { image } from "@reelmesh/proto/image.js";
import { POLICY, kindOf, type MethodTraits } from "../definition.js";

type ContractTraits = Pick<MethodTraits, "kind" | "idempotency">;

let known: ReadonlyMap<string, ContractTraits> | undefined;

/** What the contracts say of a method that is known by its path alone; one in no contract is taken for the riskiest. */
export function traitsOfPath(path: string): ContractTraits {
  known ??= readImage();
  return known.get(path) ?? { kind: "unary", idempotency: "none" };
}

function readImage(): ReadonlyMap<string, ContractTraits> {
  const traits = new Map<string, ContractTraits>();
  for (const file of fromBinary(FileDescriptorSetSchema, image).file) {
    for (const service of file.service) {
      for (const { name, serverStreaming, options } of service.method) {
        const policy = options?.$unknown?.find(({ no }) => no === POLICY)?.data;
        traits.set(`/${file.package}.${service.name}/${name}`, {
          kind: kindOf(serverStreaming, policy),
          idempotency: levelOf(options?.idempotencyLevel),
        });
      }
    }
  }
  return traits;
}

function levelOf(level: MethodOptions_IdempotencyLevel | undefined): MethodTraits["idempotency"] {
  switch (level) {
    case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
      return "NO_SIDE_EFFECTS";
    case MethodOptions_IdempotencyLevel.IDEMPOTENT:
      return "IDEMPOTENT";
    case MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN:
    case undefined:
      return "none";
  }
}
