import { readFile, stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SignerKey } from '@macronode/keys';
import { EXIT } from '../exit-codes.ts';
import { LOG } from './built-log-fixture.ts';
import { registryDesk } from './registry-desk-fixture.ts';

const desk = registryDesk();
const { registry, at } = desk;

describe('keygen', () => {
  test('makes a key file for its owner only, prints the public half, and never replaces a file', async () => {
    const made = await registry('keygen', '--out', at('d.key'));
    expect(made.exitCode).toBe(EXIT.ok);
    expect(made.out).toBe(`${SignerKey.load(at('d.key'))?.publicKeyHex ?? ''}\n`);
    expect((await stat(at('d.key'))).mode & 0o777).toBe(0o600);
    const whole = await readFile(at('d.key'), 'utf8');
    expect(made.out + made.err).not.toContain(whole.split('\n')[1]);
    expect(await registry('keygen', '--out', at('d.key'))).toMatchObject({ exitCode: EXIT.error });
    expect(await readFile(at('d.key'), 'utf8')).toBe(whole);
    const quantum = await registry('keygen', '--algo', 'ml-dsa-44', '--out', at('e.key'), '--json');
    expect(JSON.parse(quantum.out)).toMatchObject({
      algo: 'ml-dsa-44',
      public_key: expect.stringMatching(/^[0-9a-f]{2624}$/) as string,
    });
  });

  test('--genesis writes a signer set a log begins with', () => {
    expect(desk.genesis).toMatchObject({ log: LOG, m: 2, k_pq: 1 });
    expect(desk.genesis.signers.map(({ signer_id, algo }) => `${signer_id} ${algo}`)).toEqual([
      'org:a#1 ed25519',
      'org:b#1 ed25519',
      'org:c#1 ml-dsa-44',
    ]);
  });

  test.each([
    ['--m', '1'],
    ['--k-pq', '0'],
    ['--log', LOG],
  ])('%s is for a signer set', async (...option) => {
    const ran = await registry('keygen', '--out', at('d.key'), ...option);
    expect(ran).toMatchObject({ exitCode: EXIT.usage });
    expect(ran.err).toContain('with --genesis');
    await expect(stat(at('d.key'))).rejects.toThrow('ENOENT');
  });

  test.each<[string, string[], number, RegExp]>([
    ['a quorum out of reach', ['--m', '3'], EXIT.error, /m is 3 of 2/],
    ['more post-quantum approvals than keys', ['--m', '2', '--k-pq', '1'], EXIT.error, /k_pq is 1/],
    ['no quorum', [], EXIT.usage, /--m N/],
    ['a key in a file beside it', ['--m', '1', '--out', 'x'], EXIT.usage, /--out and --genesis exclude/],
    ['an algorithm: the keys are there', ['--m', '1', '--algo', 'ed25519'], EXIT.usage, /--algo and --genesis exclude/],
    ['a key file that is not there', ['--m', '1', '--signer', 'org:x#1=gone.key'], EXIT.error, /no key file gone.key/],
    ['one key under two ids', ['--m', '1', '--signer', 'org:x#1=a.key'], EXIT.error, /key of another/],
    ['an id that is none', ['--m', '1', '--signer', 'NO=a.key'], EXIT.usage, /signer id/],
  ])('--genesis refuses %s', async (_name, more, exitCode, says) => {
    const named = more.map((each) => each.replace('=a.key', `=${at('a.key')}`));
    const members = ['--signer', `org:a#1=${at('a.key')}`, '--signer', `org:b#1=${at('b.key')}`];
    const ran = await registry('keygen', '--genesis', at('other.json'), '--log', LOG, ...members, ...named);
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.err).toMatch(says);
    await expect(stat(at('other.json'))).rejects.toThrow('ENOENT');
  });
});
