import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { formatVkey } from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import { BuiltLog, FIRST, ITEMS, genesisOf } from './built-log-fixture.ts';
import { ServedLog } from './served-log-fixture.ts';
import { registryDesk } from './registry-desk-fixture.ts';

const desk = registryDesk();
const { registry, at } = desk;

describe('verify', () => {
  test('recomputes a log and says what it counted and whom it believed', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, FIRST).add(ITEMS, FIRST);
    await using served = await ServedLog.open(log);
    await writeFile(at('first.json'), JSON.stringify(log.genesis));
    const plain = await registry('verify', served.url);
    expect(plain).toMatchObject({ exitCode: EXIT.ok });
    expect(plain.out).toMatch(/^verified\nlog +registry.example\/test\nversions +2\napprovals +6\n/);
    expect(plain.err).toContain("the first signers were taken on the node's word");
    const trusted = await registry(
      'verify',
      served.url,
      '--genesis',
      at('first.json'),
      '--vkey',
      formatVkey(log.logKey.key),
    );
    expect(trusted.err).toBe('');
  });

  test('names the first version that is wrong, for people and for scripts', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, FIRST).add(ITEMS, FIRST.slice(0, 1)).add(ITEMS, FIRST);
    await using served = await ServedLog.open(log);
    const ran = await registry('verify', served.url);
    expect(ran).toMatchObject({ exitCode: EXIT.integrity, out: '' });
    expect(ran.err).toMatch(/ronctl: version 2: 1 of the signers in force approve, 2 are needed/);
    const script = await registry('verify', served.url, '--json');
    expect(JSON.parse(script.err)).toMatchObject({
      error: { exit_code: EXIT.integrity, check: 'approvals', version: 2 },
    });
  });

  test('gives no verdict on a node that cannot be read, or with an anchor of no use', async () => {
    const { url } = desk.node.served;
    for (const option of ['--vkey', '--witness']) {
      const ran = await registry('verify', url, option, 'nonsense');
      expect(ran).toMatchObject({ exitCode: EXIT.usage });
      expect(ran.err).toContain(`ronctl: ${option}: `);
    }
    await writeFile(at('no-genesis.json'), '{}');
    const useless = await registry('verify', url, '--genesis', at('no-genesis.json'));
    expect(useless).toMatchObject({ exitCode: EXIT.error });
    expect(desk.node.served.seen).toEqual([]);
    desk.node.served.replaced.set('/registry/signers', { status: 502, body: '' });
    expect(await registry('verify', url)).toMatchObject({ exitCode: EXIT.unavailable });
    expect(await registry('verify', 'http://127.0.0.1:1')).toMatchObject({ exitCode: EXIT.unavailable });
  });

  test.each<[number, number, string]>([
    [401, EXIT.error, 'RONCTL_TOKEN'],
    [403, EXIT.error, 'RONCTL_TOKEN'],
    [404, EXIT.notFound, 'is this the address of a registry?'],
    [400, EXIT.error, 'is this the address of a registry?'],
    [500, EXIT.error, 'name another node'],
    [502, EXIT.unavailable, 'try again'],
  ])('of a node that answers %i is no verdict, and ends with exit code %i', async (status, exitCode, hint) => {
    desk.node.served.replaced.set('/registry/head', { status, body: '' });
    const ran = await registry('verify', desk.node.served.url, '--json');
    expect(ran.exitCode).toBe(exitCode);
    const { error } = JSON.parse(ran.err) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ status, hint: expect.stringContaining(hint) as string });
    expect(error).not.toHaveProperty('check');
  });

  test('names the version from which on a log could not be read', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, FIRST).add(ITEMS, FIRST).add(ITEMS, FIRST);
    await using served = await ServedLog.open(log);
    served.replaced.set('/registry/log?after=0&limit=3', { body: `${log.entries[0]?.line ?? ''}\n` });
    served.replaced.set('/registry/log?after=1&limit=2', { status: 504, body: '' });
    const ran = await registry('verify', served.url, '--json');
    expect(ran).toMatchObject({ exitCode: EXIT.unavailable });
    expect(JSON.parse(ran.err)).toMatchObject({
      error: { version: 2, message: expect.stringContaining('cannot be read from version 2 on') as string },
    });
  });
});
