import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptCheckpoint } from './kept-checkpoint.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-kept-'));
  file = join(folder, 'followed-checkpoint');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the checkpoint a replica keeps', () => {
  it('is the last one, also when writing the next one was cut off', async () => {
    const kept = new KeptCheckpoint(file);
    expect(await kept.read()).toBeUndefined();
    await kept.keep('one\n');
    await kept.keep('two\n');
    expect(readdirSync(folder)).toEqual(['followed-checkpoint']);
    writeFileSync(`${file}.next`, 'thr');
    expect(await new KeptCheckpoint(file).read()).toBe('two\n');
    await kept.keep('four\n');
    expect(await kept.read()).toBe('four\n');
  });

  it('is none without a folder', async () => {
    const kept = new KeptCheckpoint(undefined);
    await kept.keep('one\n');
    expect(await kept.read()).toBeUndefined();
  });

  it('rejects where it cannot be written', async () => {
    await expect(new KeptCheckpoint(join(folder, 'gone', 'file')).keep('one\n')).rejects.toThrow('ENOENT');
  });
});
