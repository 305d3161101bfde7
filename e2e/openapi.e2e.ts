import { expect, test } from 'vitest';
import { ROUTES } from '@macronode/contracts';
import { client, headerOf } from './client.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { readonly responses?: Record<string, unknown> }>>;
}

test('the node describes its whole surface, and nothing else', async () => {
  const reply = await client.get('/openapi.json');
  expect(reply.status).toBe(200);
  expect(headerOf(reply, 'content-type')).toMatch(/^application\/json/);
  const document = reply.json() as Document;
  expect(document.openapi).toMatch(/^3\.1\./);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['get', 'head', 'put', 'post', 'delete', 'patch'].includes(method))
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.toSorted()).toEqual(
    Object.values(ROUTES)
      .map(({ method, template }) => `${method} ${template}`)
      .toSorted(),
  );
});

test('every reference in the description leads somewhere', async () => {
  const document = (await client.get('/openapi.json')).json();
  const references = new Set(
    [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer]) => pointer ?? ''),
  );
  for (const pointer of references) {
    const found = pointer
      .split('/')
      .slice(1)
      .reduce<unknown>(
        (at, key) => (at as Record<string, unknown> | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')],
        document,
      );
    expect(found, pointer).toBeDefined();
  }
});

test('every operation says what it answers and how it fails', async () => {
  const document = (await client.get('/openapi.json')).json() as Document;
  for (const { method, template } of Object.values(ROUTES)) {
    const responses = Object.keys(document.paths[template]?.[method.toLowerCase()]?.responses ?? {});
    expect(
      responses.some((status) => /^2|^default/.test(status)),
      `${method} ${template}`,
    ).toBe(true);
    if (template !== '/openapi.json')
      expect(
        responses.some((status) => /^4|^default/.test(status)),
        `${method} ${template}`,
      ).toBe(true);
  }
});
