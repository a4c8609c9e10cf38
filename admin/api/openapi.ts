/**
 * The description of the API in OpenAPI 3.1, made from its routes.
 *
 * @module
 */
import { type Field, type Fields, schemaOf } from "../http/fields.ts";
import type { Route, Schema } from "../http/routes.ts";

const ERRORS: Readonly<Record<string, string>> = {
  "400": "A parameter or a field is wrong; `field` names it",
  "401": "The token is missing or not known",
  "403": "The token does not allow this",
  "404": "There is no such thing",
  "429": "Too many requests at once",
};

/** Describes routes. */
export function openApiOf(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Fairway admin API",
      version,
      description: "What an operator sees of a Fairway broker, and does to it.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The admin listener" }],
    security: [{ token: [] }, { account: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        account: { type: "http", scheme: "basic" },
      },
      schemas: {
        Error: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["status", "message"],
              properties: {
                status: { type: "integer" },
                message: { type: "string" },
                field: { type: "string" },
              },
            },
          },
        },
      },
    },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const { id, summary, scope, places = {}, query = {}, body } = route;
  const takesBody = body !== undefined || route.isOpenBody === true;
  const parameters = [
    ...Object.entries(places).map(([name, description]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: { type: "string" },
    })),
    ...Object.entries(query).map(([name, field]) => parameterOf(name, field)),
  ];
  return {
    operationId: id,
    summary,
    ...scope === null
      ? { security: [] }
      : { description: `Takes a token with the scope \`${scope}\`.` },
    ...parameters.length === 0 ? {} : { parameters },
    ...takesBody ? { requestBody: requestBodyOf(body ?? null) } : {},
    responses: responsesOf(route),
  };
}

function parameterOf(name: string, field: Field): Record<string, unknown> {
  const { description, ...schema } = schemaOf(field);
  return { name, in: "query", required: field.required ?? false, description, schema };
}

function requestBodyOf(body: Fields | null): Record<string, unknown> {
  const required = Object.entries(body ?? {}).filter(([, field]) => field.required);
  const schema = body === null ? { type: "object", additionalProperties: { type: "integer" } } : {
    type: "object",
    additionalProperties: false,
    ...required.length === 0 ? {} : { required: required.map(([name]) => name) },
    properties: Object.fromEntries(
      Object.entries(body).map(([name, field]) => [name, schemaOf(field)]),
    ),
  };
  return { required: required.length > 0, content: { "application/json": { schema } } };
}

function responsesOf({ status = 200, schema, type, scope }: Route): Record<string, unknown> {
  const success = schema === undefined ? { description: "Done" } : {
    description: "Success",
    content: { [type ?? "application/json"]: { schema } },
  };
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  const codes = scope === null ? ["400"] : Object.keys(ERRORS);
  const errors = codes.map((code) => [code, { description: ERRORS[code], content }]);
  return { [`${status}`]: success, ...Object.fromEntries(errors) };
}
