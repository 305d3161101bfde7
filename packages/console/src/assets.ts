import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Folders of modules the browser loads: they import each other and nothing by name. */
const MODULE_FOLDERS = ['page', 'panels', 'history'];

const ASSETS = fileURLToPath(new URL('../assets/', import.meta.url));
const MODULES = fileURLToPath(new URL('../dist/', import.meta.url));

function asset(file: string): Asset {
  const type = TYPES[file.slice(file.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`${file}: a page has no such files`);
  return { type, body: readFileSync(file) };
}

/** Every file of the page by its path below /console. Read once: what is not in this list is not served. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const { resolve } = createRequire(import.meta.url);
  const files = new Map([
    ['uplot.js', resolve('uplot/dist/uPlot.iife.min.js')],
    ['uplot.css', resolve('uplot/dist/uPlot.min.css')],
  ]);
  for (const name of readdirSync(ASSETS)) files.set(name, join(ASSETS, name));
  for (const folder of MODULE_FOLDERS) {
    const modules = readdirSync(join(MODULES, folder)).filter((name) => /(?<!\.test)\.js$/.test(name));
    for (const name of modules) files.set(`${folder}/${name}`, join(MODULES, folder, name));
  }
  return new Map([...files].map(([path, file]) => [path, asset(file)]));
}
