import { ScalarType, type DescField, type DescMessage, type JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";

const text = fc.string({ unit: "binary", maxLength: 12 });

/** Any value of the message in proto3 JSON; messages within messages down to `depth`. */
export function arbitraryJson(message: DescMessage, depth = 2): fc.Arbitrary<JsonValue> {
  switch (message.typeName) {
    case "google.protobuf.Timestamp":
      return fc
        .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true })
        .map((date) => date.toISOString());
    case "google.protobuf.Duration":
      return fc.integer().map((seconds) => `${seconds}.5s`);
    case "google.protobuf.FieldMask":
      return fc
        .array(fc.stringMatching(/^[a-z]{1,5}(\.[a-z]{1,5}[A-Z][a-z]{1,3})?$/), { maxLength: 3 })
        .map((paths) => paths.join(","));
    case "google.protobuf.Struct":
      return fc.dictionary(text, fc.oneof(text, fc.boolean(), fc.integer()), { maxKeys: 2 });
    case "google.protobuf.Int32Value":
      return fc.maxSafeInteger().map((value) => value | 0);
    case "google.protobuf.BoolValue":
      return fc.boolean();
    default:
      return fc
        .tuple(...fieldsOf(message, depth).map((field) => fc.option(arbitraryEntry(field, depth), { nil: undefined })))
        .map((entries) => Object.fromEntries(entries.filter((entry) => entry !== undefined)));
  }
}

/** Of a oneof only its first field, and no message within itself for ever. */
function fieldsOf({ fields }: DescMessage, depth: number): readonly DescField[] {
  return fields.filter((field) => {
    const isOneOfOthers = field.oneof !== undefined && field.oneof.fields[0] !== field;
    return !isOneOfOthers && (depth > 0 || field.message === undefined);
  });
}

function arbitraryEntry(field: DescField, depth: number): fc.Arbitrary<[string, JsonValue]> {
  return fc.tuple(fc.constant(field.jsonName), arbitraryField(field, depth));
}

function arbitraryField(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  const value = arbitraryValue(field, depth);
  if (field.fieldKind === "list") return fc.array(value, { maxLength: 3 });
  return field.fieldKind === "map" ? fc.dictionary(text, value, { maxKeys: 3 }) : value;
}

function arbitraryValue(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  if (field.message) return arbitraryJson(field.message, depth - 1);
  if (field.enum) return fc.constantFrom(...field.enum.values.map(({ jsonName }) => jsonName));
  return arbitraryScalar(field.scalar);
}

function arbitraryScalar(scalar: ScalarType): fc.Arbitrary<JsonValue> {
  switch (scalar) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case ScalarType.DOUBLE:
      return fc.double({ noDefaultInfinity: true, noNaN: true }).map(withoutNegativeZero);
    case ScalarType.FLOAT:
      return fc.float({ noDefaultInfinity: true, noNaN: true }).map(withoutNegativeZero);
    case ScalarType.INT32:
      return fc.integer();
    case ScalarType.UINT32:
      return fc.nat();
    case ScalarType.INT64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    case ScalarType.UINT64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    default:
      return text;
  }
}

/** A text that the pattern of a path's variable fits, such as `videos/*`. */
export function arbitraryName(pattern: string): fc.Arbitrary<string> {
  const segment = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).filter((part) => !part.includes("/"));
  const pieces = pattern.split("/").map((piece) => {
    if (piece === "**") return fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    return piece === "*" ? segment : fc.constant(piece);
  });
  return fc.tuple(...pieces).map((parts) => parts.join("/"));
}

/** JSON.stringify writes -0 as 0. */
function withoutNegativeZero(value: number): number {
  return value + 0;
}
