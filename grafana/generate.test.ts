import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { grafanaFiles } from './generate.ts';

const ROOT = join(import.meta.dirname, '..');
const files = grafanaFiles();

describe('the derived files', () => {
  it('are the same at every run, and end with a line', () => {
    expect([...grafanaFiles()]).toEqual([...files]);
    for (const [path, content] of files) expect(content.endsWith('\n'), path).toBe(true);
  });

  it('are what is committed', () => {
    for (const [path, content] of files) {
      expect(readFileSync(join(ROOT, path), 'utf8') === content, `${path}: npm run generate`).toBe(true);
    }
  });

  it('are all there is in their folder: no dashboard is made by hand', () => {
    const generated = [...files.keys()]
      .filter((path) => path.startsWith('grafana/dashboards/'))
      .map((path) => basename(path));
    expect(readdirSync(join(import.meta.dirname, 'dashboards')).toSorted()).toEqual(generated.toSorted());
  });
});
