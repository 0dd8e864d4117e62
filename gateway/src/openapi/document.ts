import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import { hasOwnJson, pathOf } from "../json/fields.js";
import { isInQuery, isTextual } from "../json/query.js";
import type { Route } from "../json/routes.js";
import type { Template } from "../json/template.js";
import { commentOf } from "./comments.js";
import { createSchemas, type Schemas } from "./schemas.js";

/** The only methods that OpenAPI 3.1 can describe. */
const METHODS: ReadonlySet<string> = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

/**
 * Describes the routes as an OpenAPI 3.1 document; those of other methods than it knows are left out.
 *
 * @param others paths that no contract describes.
 */
export function describeApi(routes: readonly Route[], others: Readonly<Record<string, JsonObject>> = {}): JsonObject {
  const schemas = createSchemas();
  const paths: Record<string, JsonObject> = {};
  for (const route of routes.filter(({ httpMethod }) => METHODS.has(httpMethod))) {
    const { path, names } = flatten(route.template);
    paths[path] = { ...paths[path], [route.httpMethod.toLowerCase()]: describe(route, names, schemas) };
  }
  const services = [...new Set(routes.map(({ method }) => method.parent))];
  return {
    openapi: "3.1.0",
    info: { title: "Reelmesh", version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    tags: services.map((service) => ({ name: tagOf(service.name), description: commentOf(service) })),
    paths: { ...paths, ...others },
    components: {
      schemas: { ...schemas.components(), Problem: PROBLEM },
      responses: {
        Problem: {
          description: "What went wrong (RFC 9457).",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
    },
  };
}

const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "reason"],
  properties: {
    type: { type: "string", description: "`urn:reelmesh:error:{reason}`." },
    title: { type: "string" },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: { type: "string", description: "A sentence for a developer." },
    instance: { type: "string", description: "The request's id, as in the header X-Request-Id." },
    reason: { type: "string", pattern: "^[A-Z][A-Z_]*$" },
  },
  additionalProperties: { type: "string", description: "What it is about, such as `field`." },
};

/** `/api/v1/{name=videos/*}:undelete` -> `/api/v1/videos/{video}:undelete`. */
function flatten({ segments, verb }: Template): { path: string; names: readonly string[] } {
  const names: string[] = [];
  let before = "";
  const flat = segments.map((segment) => {
    if (segment.kind === "literal") return (before = segment.text);
    const name = segment.kind === "rest" ? "path" : singular(before);
    const unique = names.includes(name) ? `${name}${names.length + 1}` : name;
    names.push(unique);
    return `{${unique}}`;
  });
  return { path: `/${flat.join("/")}${verb === undefined ? "" : `:${verb}`}`, names };
}

function singular(collection: string): string {
  return collection.replace(/ies$/, "y").replace(/s$/, "") || "id";
}

function tagOf(service: string): string {
  return service.replace(/Service$/, "");
}

function describe(route: Route, names: readonly string[], schemas: Schemas): JsonObject {
  const { method, body } = route;
  const comment = commentOf(method);
  return {
    operationId: `${tagOf(method.parent.name)}_${method.name}${route.binding === 0 ? "" : `_${route.binding}`}`,
    tags: [tagOf(method.parent.name)],
    summary: comment.split(/[.:;](?:\s|$)/, 1)[0] ?? "",
    description: comment,
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: { type: "string", minLength: 1 } })),
      ...parametersOf(route, method.input, []).map((fields) => parameterOf(fields, schemas)),
    ],
    ...(body.kind === "none" ? {} : { requestBody: bodyOf(route, schemas) }),
    responses: {
      "200": {
        description: "The answer.",
        content: { "application/json": { schema: schemas.ofAnswer(method.output) } },
      },
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function bodyOf({ body, method, template }: Route, schemas: Schemas): JsonObject {
  const [message, prefix] = body.kind === "field" ? [body.field.message, [body.field]] : [method.input, []];
  const isBound = (field: DescField) => template.variables.some((bound) => bound.field === pathOf([...prefix, field]));
  return { content: { "application/json": { schema: schemas.ofBody(message, isBound) } } };
}

/** Every field that the query may give, by the fields on the way to it. A message within itself is not followed. */
function parametersOf(
  route: Route,
  message: DescMessage,
  within: readonly DescField[],
): readonly (readonly DescField[])[] {
  return message.fields.flatMap((field) => {
    const fields = [...within, field];
    if (!isInQuery(route, pathOf(fields))) return [];
    if (isTextual(field)) return [fields];
    const isOpen = field.fieldKind === "message" && !hasOwnJson(field.message);
    const isNew = within.every(({ parent }) => parent !== field.message) && message !== field.message;
    return isOpen && isNew ? parametersOf(route, field.message, fields) : [];
  });
}

function parameterOf(fields: readonly DescField[], schemas: Schemas): JsonObject {
  const [field] = fields.slice(-1);
  if (!field) return {};
  return {
    name: fields.map(({ jsonName }) => jsonName).join("."),
    in: "query",
    description: commentOf(field),
    schema: schemas.ofParameter(field),
  };
}
