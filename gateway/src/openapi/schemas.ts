import { ScalarType, type DescEnum, type DescField, type DescMessage, type JsonObject } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { commentOf } from "./comments.js";

/**
 * Where a value stands. An answer has one form; a request may use any that proto3 JSON reads: null for what is not
 * given, whole numbers as numbers or text; a query's parameter is text.
 */
export type Place = "answer" | "request" | "query";

/** Writes JSON Schemas of messages, sharing what they have in common. */
export interface Schemas {
  /** The schema of a message as an answer. */
  ofAnswer(message: DescMessage): JsonObject;
  /** The schema of a message as a body, without the fields that `isBound` finds elsewhere in the request. */
  ofBody(message: DescMessage, isBound: (field: DescField) => boolean): JsonObject;
  /** The schema of a textual field as a query's parameter. */
  ofParameter(field: DescField): JsonObject;
  /** What the schemas refer to under `#/components/schemas/`. */
  components(): JsonObject;
}

/** Messages whose JSON is not an object of their fields. */
const WELL_KNOWN: Readonly<Record<string, JsonObject>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" },
  "google.protobuf.FieldMask": { type: "string", pattern: "^[^_]*$" },
  "google.protobuf.Any": { type: "object" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.ListValue": { type: "array" },
  "google.protobuf.Value": {},
};

export function createSchemas(): Schemas {
  const known = new Map<string, JsonObject>();

  /** A reference, under a name of its own where a message is not written as it is read. */
  function refer(message: DescMessage, place: Place): JsonObject {
    const local = message.typeName.replace(`${message.file.proto.package}.`, "");
    const name = place === "answer" ? local : `${local}Input`;
    if (!known.has(name)) {
      known.set(name, {});
      known.set(name, objectOf(message, place, message.fields));
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function objectOf(message: DescMessage, place: Place, fields: readonly DescField[]): JsonObject {
    return {
      type: "object",
      description: commentOf(message),
      properties: Object.fromEntries(
        fields.map((field) => [field.jsonName, { ...ofField(field, place), description: commentOf(field) }]),
      ),
      additionalProperties: false,
    };
  }

  function ofField(field: DescField, place: Place): JsonObject {
    switch (field.fieldKind) {
      case "list":
        return orNull({ type: "array", items: ofValue(field, place) }, place);
      case "map":
        return orNull({ type: "object", additionalProperties: ofValue(field, place) }, place);
      default:
        return orNull(ofValue(field, place), place);
    }
  }

  /** The schema of the field's value, of its items, or of its entries. */
  function ofValue(field: DescField, place: Place): JsonObject {
    if (field.enum) return ofEnum(field.enum, place);
    if (field.message) return ofMessage(field.message, place);
    return ofScalar(field.scalar, place);
  }

  function ofMessage(message: DescMessage, place: Place): JsonObject {
    const [value] = message.fields;
    if (isWrapperDesc(message) && value) return ofValue(value, place);
    return WELL_KNOWN[message.typeName] ?? refer(message, place);
  }

  return {
    ofAnswer: (message) => ofMessage(message, "answer"),
    ofBody: (message, isBound) =>
      objectOf(
        message,
        "request",
        message.fields.filter((field) => !isBound(field)),
      ),
    ofParameter(field) {
      return field.fieldKind === "list" ? { type: "array", items: ofValue(field, "query") } : ofValue(field, "query");
    },
    components: () => Object.fromEntries(known),
  };
}

function orNull(schema: JsonObject, place: Place): JsonObject {
  if (place !== "request") return schema;
  const { type } = schema;
  if (type === undefined) return { anyOf: [schema, { type: "null" }] };
  return { ...schema, type: [...(Array.isArray(type) ? type : [type]), "null"] };
}

function ofEnum({ values }: DescEnum, place: Place): JsonObject {
  const names = { type: "string", enum: values.map(({ jsonName }) => jsonName) };
  return place === "request" ? { anyOf: [names, wholeNumber(WHOLE.int32, "answer")] } : names;
}

function ofScalar(scalar: ScalarType, place: Place): JsonObject {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { anyOf: [{ type: "number" }, { type: "string", enum: ["NaN", "Infinity", "-Infinity"] }] };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return wholeNumber(WHOLE.int32, place);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return wholeNumber(WHOLE.uint32, place);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return wholeNumber(WHOLE.int64, place);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return wholeNumber(WHOLE.uint64, place);
  }
}

interface WholeNumber {
  readonly usual: "integer" | "string";
  readonly format: string;
  /** As a number; of 64 bits, only what a JSON number holds exactly. */
  readonly minimum: number;
  readonly maximum: number;
  /** As text, of no more digits than surely fit. */
  readonly pattern: string;
}

const WHOLE = {
  int32: { usual: "integer", format: "int32", minimum: -(2 ** 31), maximum: 2 ** 31 - 1, pattern: "^-?[0-9]{1,9}$" },
  uint32: { usual: "integer", format: "uint32", minimum: 0, maximum: 2 ** 32 - 1, pattern: "^[0-9]{1,9}$" },
  int64: {
    usual: "string",
    format: "int64",
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: "^-?[0-9]{1,18}$",
  },
  uint64: { usual: "string", format: "uint64", minimum: 0, maximum: Number.MAX_SAFE_INTEGER, pattern: "^[0-9]{1,18}$" },
} as const satisfies Record<string, WholeNumber>;

function wholeNumber({ usual, format, minimum, maximum, pattern }: WholeNumber, place: Place): JsonObject {
  if (place === "request") return { type: ["integer", "string"], format, minimum, maximum, pattern };
  return usual === "integer"
    ? { type: usual, format, minimum, maximum }
    : { type: usual, format, pattern: "^-?[0-9]+$" };
}
