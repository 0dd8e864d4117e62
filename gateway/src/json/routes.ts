import {
  getExtension,
  hasExtension,
  isMessage,
  ScalarType,
  toBinary,
  type DescExtension,
  type DescField,
  type DescMethod,
  type FileRegistry,
} from "@bufbuild/protobuf";
import { HttpRule } from "@reelmesh/proto/google/api/http.js";
import { fieldNamed, fieldsAlong, hasOwnJson } from "./fields.js";
import { matches, overlap, parseTemplate, type SplitPath, type Template } from "./template.js";

type MessageField = DescField & { fieldKind: "message" };

/** Which part of the request the body is: none of it, all that the path leaves, or one field. */
export type BodyRule =
  { readonly kind: "none" } | { readonly kind: "whole" } | { readonly kind: "field"; readonly field: MessageField };

/** One way to call a method over HTTP. */
export interface Route {
  /** Upper-case. */
  readonly httpMethod: string;
  /** As the contract writes it. */
  readonly path: string;
  readonly template: Template;
  readonly body: BodyRule;
  readonly method: DescMethod;
  /** 0 for the method's rule, 1 and so on for its additional bindings. */
  readonly binding: number;
}

/**
 * Compiles every google.api.http rule of the contracts, additional bindings included.
 *
 * @throws Error naming the method whose rule cannot be served, or the two whose paths cannot be told apart.
 */
export function compileRoutes(contracts: FileRegistry): readonly Route[] {
  const option = contracts.getExtension("google.api.http");
  if (!option) return [];
  const routes = [...contracts]
    .filter((type) => type.kind === "service")
    .flatMap(({ methods }) => methods)
    .flatMap((method) => rulesOf(method, option).map((rule, binding) => compile(method, rule, binding)));
  routes.forEach((route, index) => {
    refuseConflict(route, routes.slice(0, index));
  });
  return routes;
}

/** The routes that a path fits, one an HTTP method at most. */
export function routesAt(routes: readonly Route[], path: SplitPath): readonly Route[] {
  return routes.filter(({ template }) => matches(template, path));
}

function rulesOf({ proto }: DescMethod, option: DescExtension): readonly HttpRule[] {
  if (!proto.options || !hasExtension(proto.options, option)) return [];
  const value = getExtension(proto.options, option);
  if (!isMessage(value) || !option.message) return [];
  const rule = HttpRule.decode(toBinary(option.message, value));
  return [rule, ...rule.additionalBindings];
}

function compile(method: DescMethod, rule: HttpRule, binding: number): Route {
  const problem = (text: string) => new Error(`google.api.http of ${method.toString()}: ${text}`);
  if (method.methodKind !== "unary") throw problem("only unary methods can be served");
  const { httpMethod, path } = patternOf(rule, problem);
  const template = parseTemplate(path);
  for (const { field } of template.variables) {
    const last = fieldsAlong(method.input, field)?.at(-1);
    const isText = last?.fieldKind === "scalar" && last.scalar === ScalarType.STRING;
    if (!isText) throw problem(`{${field}} is not a string field of the request`);
  }
  return { httpMethod, path, template, body: bodyOf(method, rule.body, problem), method, binding };
}

function patternOf({ pattern }: HttpRule, problem: (text: string) => Error): { httpMethod: string; path: string } {
  if (!pattern) throw problem("it names no path");
  if (pattern.$case === "custom") return { httpMethod: pattern.value.kind, path: pattern.value.path };
  return { httpMethod: pattern.$case.toUpperCase(), path: pattern.value };
}

function bodyOf({ input }: DescMethod, name: string, problem: (text: string) => Error): BodyRule {
  if (name === "") return { kind: "none" };
  if (name === "*") return { kind: "whole" };
  const field = fieldNamed(input, name);
  if (field?.fieldKind === "message" && !hasOwnJson(field.message)) return { kind: "field", field };
  throw problem(`the body ${name} is not a message field of the request`);
}

function refuseConflict(route: Route, others: readonly Route[]): void {
  const other = others.find(
    ({ httpMethod, template }) => httpMethod === route.httpMethod && overlap(template, route.template),
  );
  if (!other) return;
  const both = `${other.method.toString()} and ${route.method.toString()}`;
  throw new Error(`${both} cannot be told apart: ${route.httpMethod} ${other.path} and ${route.path}`);
}
