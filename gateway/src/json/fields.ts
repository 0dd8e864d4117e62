import { ScalarType, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

const fieldsByMessage = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The field of that name, in the contract's spelling (`page_size`) or JSON's (`pageSize`). */
export function fieldNamed(message: DescMessage, name: string): DescField | undefined {
  let fields = fieldsByMessage.get(message);
  if (!fields) {
    fields = new Map([
      ...message.fields.map((field) => [field.jsonName, field] as const),
      ...message.fields.map((field) => [field.name, field] as const),
    ]);
    fieldsByMessage.set(message, fields);
  }
  return fields.get(name);
}

/** The fields along a path such as `video.name`; undefined when one of them is not there. */
export function fieldsAlong(message: DescMessage, path: string): readonly DescField[] | undefined {
  const fields: DescField[] = [];
  let within: DescMessage | undefined = message;
  for (const name of path.split(".")) {
    const field: DescField | undefined = within && fieldNamed(within, name);
    if (!field) return undefined;
    fields.push(field);
    within = field.fieldKind === "message" && !hasOwnJson(field.message) ? field.message : undefined;
  }
  return fields;
}

/** The path that names these fields in the contract's spelling, whatever spelling the request used. */
export function pathOf(fields: readonly DescField[]): string {
  return fields.map(({ name }) => name).join(".");
}

/** Whether proto3 JSON writes the message otherwise than as an object of its fields. */
export function hasOwnJson(message: DescMessage): boolean {
  return isWrapperDesc(message) || OWN_JSON.has(message.typeName);
}

const OWN_JSON: ReadonlySet<string> = new Set(
  ["Any", "Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue"].map(
    (name) => `google.protobuf.${name}`,
  ),
);

/** What the field has to be, as in `pageSize: has to be …`. */
export function expectationOf(field: DescField): string {
  if (field.fieldKind === "list") return "has to be a list";
  return field.fieldKind === "map" ? "has to be an object" : expectationOfValue(field);
}

/** What the field's value has to be: of a list each item, of a map each entry's value. */
export function expectationOfValue({ enum: names, message, scalar }: DescField): string {
  if (names) return `has to be one of ${names.values.map(({ jsonName }) => jsonName).join(", ")}`;
  return message ? expectationOfMessage(message) : expectationOfScalar(scalar);
}

function expectationOfMessage(message: DescMessage): string {
  const [value] = message.fields;
  if (isWrapperDesc(message) && value) return expectationOfValue(value);
  switch (message.typeName) {
    case "google.protobuf.Timestamp":
      return "has to be a time by RFC 3339, such as 2025-01-31T12:00:00Z";
    case "google.protobuf.Duration":
      return "has to be a duration in seconds, such as 1.5s";
    case "google.protobuf.FieldMask":
      return "has to be names of fields, separated by commas";
    default:
      return "has to be an object";
  }
}

function expectationOfScalar(scalar: ScalarType): string {
  switch (scalar) {
    case ScalarType.STRING:
      return "has to be text in UTF-8";
    case ScalarType.BYTES:
      return "has to be bytes in base64";
    case ScalarType.BOOL:
      return "has to be true or false";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "has to be a number";
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return "has to be a whole number of 32 bits";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "has to be a whole number of 32 bits, not below 0";
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return "has to be a whole number of 64 bits";
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return "has to be a whole number of 64 bits, not below 0";
  }
}
