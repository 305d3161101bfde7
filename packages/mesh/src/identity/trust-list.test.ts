import { generateKey } from '@macronode/keys';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrustList, TrustListError } from './trust-list.ts';

const ids = Array.from({ length: 4 }, () => generateKey('ed25519').publicKeyHex);
const [one, two, three] = ids as [string, string, string];

describe('TrustList', () => {
  let folder: string;
  let file: string;
  const write = (...lines: string[]): void => writeFileSync(file, `${lines.join('\n')}\n`);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trust-'));
    file = join(folder, 'trust');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is a node a line; comments and empty lines say nothing', () => {
    write('# ours', '', `gateway_0 ${one}`, '   ', ` \t gateway_1 \t ${two}\r`, `# old ${three}`);
    const list = TrustList.read(file);
    expect([list.size, list.has(one), list.has(two), list.has(three)]).toEqual([2, true, true, false]);
    expect([list.nameOf(one), list.nameOf(two), list.nameOf(three)]).toEqual(['gateway_0', 'gateway_1', undefined]);
    expect([...list.nodeIds()]).toEqual([one, two]);
  });

  it.each<[string, number | undefined, string, string[]]>([
    ['nobody', undefined, 'names nobody', ['# none']],
    ['a line without a name', 2, 'name and an id', ['', one]],
    ['a name in capitals', 1, 'name and an id', [`Gateway ${one}`]],
    ['a name of 33 letters', 1, 'name and an id', [`${'a'.repeat(33)} ${one}`]],
    ['an id in capitals', 1, 'name and an id', [`a ${'AB'.repeat(32)}`]],
    ['an id that is too short', 1, 'name and an id', [`a ${one.slice(2)}`]],
    ['something after the id', 1, 'name and an id', [`a ${one} b`]],
    ['an id twice', 3, 'that of a too', [`a ${one}`, '#', `b ${one}`]],
    ['a name twice', 2, 'name a is taken', [`a ${one}`, `a ${two}`]],
    ['a key of small order', 2, 'small order', [`a ${one}`, `b ${'00'.repeat(32)}`]],
    ['a key that is not canonical', 1, 'canonical', [`a ${'ff'.repeat(32)}`]],
    ['too many nodes', 3, 'more than 2', [`a ${one}`, `b ${two}`, `c ${three}`]],
    ['too many bytes', undefined, 'more than 65536 bytes', ['#'.repeat(65_536)]],
  ])('is refused with %s', (_, line, problem, lines) => {
    write(...lines);
    expect(() => TrustList.read(file, { trustedNodes: 2 })).toThrow(
      expect.objectContaining({
        name: 'TrustListError',
        file,
        line,
        message: expect.stringContaining(problem) as unknown,
      }),
    );
  });

  it('is refused when there is no file, a folder, or a pipe nobody writes to', () => {
    expect(() => TrustList.read(file)).toThrow(TrustListError);
    expect(() => TrustList.read(file)).toThrow('cannot be read: ENOENT');
    mkdirSync(file);
    expect(() => TrustList.read(file)).toThrow('cannot be read: EISDIR');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => TrustList.read(pipe)).toThrow('names nobody');
  });

  it('is read again as a whole or not at all', () => {
    write(`a ${one}`);
    const list = TrustList.read(file);
    write(`a ${two}`, `b ${three}`);
    expect(list.reload()).toEqual({ result: 'loaded', nodes: 2 });
    expect([list.has(one), list.nameOf(two)]).toEqual([false, 'a']);
    write(`a ${one}`, 'b');
    expect(list.reload()).toEqual({
      result: 'kept',
      nodes: 2,
      problem: `trust list ${file}, line 2: it is not a name and an id of 64 lower-case hex digits`,
    });
    rmSync(file);
    expect(list.reload()).toMatchObject({
      result: 'kept',
      problem: expect.stringContaining('cannot be read') as unknown,
    });
    expect([...list.nodeIds()]).toEqual([two, three]);
  });

  it('has room for as many as the limit', () => {
    write(`a ${one}`, `b ${two}`);
    expect(TrustList.read(file, { trustedNodes: 2 }).size).toBe(2);
    write(...Array.from({ length: 256 }, (_, n) => `${'n'.repeat(28)}_${n} ${generateKey('ed25519').publicKeyHex}`));
    expect(TrustList.read(file).size).toBe(256);
  });
});
