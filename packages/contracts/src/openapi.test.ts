import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS, ERROR_CODES, type ErrorCode } from './errors.ts';
import { API_VERSION, openApiDocument } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { ROUTES, type Route, type RouteName } from './routes.ts';

interface Operation {
  operationId: string;
  parameters: { $ref: string }[];
  requestBody?: { content: Record<string, { schema?: unknown }> };
  responses: Record<string, { headers: object; content?: object; description: string; 'x-error-codes'?: ErrorCode[] }>;
}
interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<'schemas' | 'parameters' | 'headers', Record<string, Record<string, unknown>>>;
}

const document = openApiDocument() as unknown as Document;
const routes = Object.entries(ROUTES) as [RouteName, Route][];
const operation = (route: Route): Operation | undefined => document.paths[route.template]?.[route.method.toLowerCase()];

/** Every value of `key` anywhere in the document. */
function* valuesOf(key: string, node: unknown = document): Generator {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name === key) yield value;
    yield* valuesOf(key, value);
  }
}

function resolve(reference: string): unknown {
  expect(reference).toMatch(/^#\//);
  let node: unknown = document;
  for (const step of reference.slice(2).split('/')) node = (node as Record<string, unknown> | undefined)?.[step];
  return node;
}

describe('the OpenAPI document', () => {
  it.each(routes)('has %s', (name, route) => {
    const found = operation(route);
    expect(found?.operationId).toBe(name);
    for (const answer of OPERATIONS[name].answers) expect(found?.responses).toHaveProperty(String(answer.status));
  });

  it('has no operation the routes do not have', () => {
    const ids = [...valuesOf('operationId')];
    expect(ids.sort()).toEqual(Object.keys(ROUTES).sort());
  });

  it('documents every code of the error table, and no other', () => {
    const codes = document.components.schemas['ErrorCode']?.['oneOf'] as { const: string; 'x-status': number }[];
    expect(codes.map((row) => row.const)).toEqual(ERROR_CODES);
    for (const row of codes) expect(row['x-status']).toBe(ERRORS[row.const as ErrorCode].status);
  });

  it('lists each error under the status of the table, once', () => {
    for (const [name, route] of routes) {
      const responses = operation(route)?.responses ?? {};
      const listed = Object.entries(responses).flatMap(([status, response]) =>
        (response['x-error-codes'] ?? []).map((code) => ({ status, code })),
      );
      expect(listed.map((row) => row.code).sort(), name).toEqual([...OPERATIONS[name].errors].sort());
      for (const { status, code } of listed) expect(Number(status), `${name} ${code}`).toBe(ERRORS[code].status);
    }
  });

  it('promises Retry-After with every 429 and 503, and no body to HEAD', () => {
    for (const [name, route] of routes) {
      for (const [status, response] of Object.entries(operation(route)?.responses ?? {})) {
        expect(response.headers, name).toHaveProperty('X-Corr-ID');
        if (status === '429' || status === '503') expect(response.headers, name).toHaveProperty('Retry-After');
        if (route.method === 'HEAD' || status === '304') expect(response.content, `${name} ${status}`).toBeUndefined();
      }
    }
  });

  it('resolves every reference', () => {
    const references = [...valuesOf('$ref')] as string[];
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) expect(resolve(reference), reference).toBeDefined();
  });

  it('uses every component', () => {
    const used = new Set(valuesOf('$ref'));
    for (const kind of ['parameters', 'headers', 'schemas'] as const) {
      for (const name of Object.keys(document.components[kind])) {
        // Named for readers: no answer points at them, a code is a string and Allow comes with 405 of any path.
        if (name === 'ErrorCode' || name === 'Allow') continue;
        expect(used, name).toContain(`#/components/${kind}/${name}`);
      }
    }
  });

  it('declares the parameters its templates have', () => {
    for (const [name, route] of routes) {
      const inTemplate = [...route.template.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = (operation(route)?.parameters ?? [])
        .map((parameter) => resolve(parameter.$ref) as { in: string; name: string; required: boolean })
        .filter((parameter) => parameter.in === 'path');
      expect(
        declared.map((parameter) => parameter.name),
        name,
      ).toEqual(inTemplate);
      expect(declared.every((parameter) => parameter.required)).toBe(true);
    }
  });

  it('is plain JSON of OpenAPI 3.1, without examples, and the same each time', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(JSON.stringify(openApiDocument())).toBe(JSON.stringify(document));
    expect([...valuesOf('example'), ...valuesOf('examples')]).toEqual([]);
  });

  it('carries the version of the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(API_VERSION).toBe(manifest.version);
    expect(document.info.version).toBe(API_VERSION);
  });

  it('is the committed one', () => {
    const committed = readFileSync(new URL('../openapi.json', import.meta.url), 'utf8');
    expect(committed).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });
});
