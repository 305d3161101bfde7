import { ROUTES } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { RouteTable } from './route-table.ts';

const table = new RouteTable(Object.values(ROUTES));

describe('a route table', () => {
  it('knows each route by the router path, whatever its parameters are called', () => {
    for (const { template } of Object.values(ROUTES)) {
      expect(table.templateOf(template.replace(/\{(\w+)\}/g, ':$1'))).toBe(template);
      expect(table.templateOf(template.replace(/\{(\w+)\}/g, ':other'))).toBe(template);
    }
    expect(table.templateOf('/admin/:id')).toBeUndefined();
    expect(table.templateOf(undefined)).toBeUndefined();
  });

  it('lists the methods of a path', () => {
    expect([...table.methodsOf('/o/b3:00')].sort()).toEqual(['GET', 'HEAD', 'PUT']);
    expect(table.methodsOf('/o')).toEqual(['POST']);
    expect(table.methodsOf('/openapi.json')).toEqual(['GET']);
    expect(table.methodsOf('/openapi-json')).toEqual([]);
    expect(table.methodsOf('/o/a/b')).toEqual([]);
  });
});
