import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Ran } from '../command-run-fixture.ts';
import { standIn } from '../stand-in-fixture.ts';

const node = standIn();

const KEY = 'thirty-two bytes of a golden key';
const HEAD = '023c68c13104d600b22a4cfb7d413082f86171bd9b814563052c69385f9a40dc';
// Computed by other hands from the words of the format; the writer has the same vector in its own test.
const GOLDEN = [
  '{"seq":0,"ts":"2023-11-14T22:13:20.000Z","kind":"chain_init","detail":{"prev_head":"none","key_id":"e8ed988574c16c5a"},"prev_hash":"f519c290ecb533fc881e4cab40b17c4cdd94be13b188bfe101c413b9cca5e415","hmac":"b08a1ae462f7c1fbb42ec174c219d2412e4651575b2aa793cc13a4142a2845ee"}\n',
  '{"seq":1,"ts":"2023-11-14T22:13:20.001Z","kind":"mesh_publish","detail":{"subject":"192.0.2.1","score":0.5,"revoked":false},"prev_hash":"b08a1ae462f7c1fbb42ec174c219d2412e4651575b2aa793cc13a4142a2845ee","hmac":"a58e57ed1ae8037d46e6fb33055b1e7059c27cadfc873e2861f8d5a6bc6d6499"}\n',
  '{"seq":2,"ts":"2023-11-14T22:13:20.002Z","kind":"mesh_receive","detail":{"client":"kälte \\"1\\""},"prev_hash":"a58e57ed1ae8037d46e6fb33055b1e7059c27cadfc873e2861f8d5a6bc6d6499","hmac":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457"}\n',
  '{"seq":3,"ts":"2023-11-14T22:13:20.003Z","kind":"chain_rotate","detail":{"prev_head":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457","key_id":"e8ed988574c16c5a"},"prev_hash":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457","hmac":"023c68c13104d600b22a4cfb7d413082f86171bd9b814563052c69385f9a40dc"}\n',
] as const;

const verify = (argv: readonly string[], env: Record<string, string> = { AUDIT_HMAC_KEY: KEY }): Promise<Ran> =>
  node.ronctl(['audit', 'verify', ...argv], { env });

/** The golden log as a node leaves it after it moved one file aside. */
async function golden(): Promise<string> {
  const file = join(node.folder, 'audit.log');
  await writeFile(`${file}.1`, GOLDEN.slice(0, 3).join(''));
  await writeFile(file, GOLDEN[3]);
  return file;
}

test('audit verify takes a log by its name or file by file, with the key from anywhere', async () => {
  const file = await golden();
  const ran = await verify([file]);
  expect(ran).toMatchObject({ exitCode: 0, err: '' });
  expect(ran.out).toMatch(/^verified\nfiles +2\nrecords +4\n/);
  expect(ran.out).toContain(HEAD);
  const keyFile = join(node.folder, 'key');
  await writeFile(keyFile, `${KEY}\n`);
  for (const argv of [
    [`${file}.1`, file, '--key-file', keyFile],
    [file, '--key-env', 'OTHER'],
    [file, '--key-env', 'WRONG', '--previous-key-env', 'OTHER'],
    [file, '--key-env', 'WRONG', '--previous-key-file', keyFile, '--head', HEAD],
  ]) {
    const other = await verify([...argv, '--json'], { OTHER: KEY, WRONG: 'no key of this log' });
    expect(other.exitCode).toBe(0);
    expect(JSON.parse(other.out)).toMatchObject({
      files: [`${file}.1`, file],
      records: 4,
      chains: 1,
      by_kind: { chain_init: 1, chain_rotate: 1, mesh_publish: 1, mesh_receive: 1 },
      lost: { full: 0, write_failed: 0 },
      begins: 'none',
      head: HEAD,
      warnings: [],
    });
  }
  const rotated = { AUDIT_HMAC_KEY: 'no key of this log', AUDIT_HMAC_PREVIOUS_KEY: KEY };
  expect((await verify([file], rotated)).exitCode).toBe(0);
});

test('audit verify names the first break by file and line, and what it is', async () => {
  const file = await golden();
  const [init, publish, receive, rotate] = GOLDEN;
  for (const [lines, line, code] of [
    [[init, publish.replace('192.0.2.1', '192.0.2.2'), receive], 2, 'changed'],
    [[init, receive], 2, 'removed'],
    [[publish, receive], 1, 'removed'],
    [[init, publish, publish], 3, 'reordered'],
    [[init, receive, publish], 2, 'removed'],
    [[init, publish, receive, init], 4, 'not_continued'],
    [[init, 'x'.repeat(10_000), publish], 2, 'changed'],
    [[init, 'nonsense\n', publish], 2, 'changed'],
  ] as const) {
    await writeFile(`${file}.1`, lines.join(''));
    const ran = await verify([`${file}.1`, '--json']);
    expect(ran.exitCode).toBe(1);
    expect(JSON.parse(ran.err)).toMatchObject({ error: { code, file: `${file}.1`, line, exit_code: 1 } });
  }
  await writeFile(`${file}.1`, init + publish);
  const across = await verify([file]);
  expect(across.exitCode).toBe(1);
  expect(across.err).toContain(`${file}:1: `);
  await writeFile(file, rotate);
  expect(await verify([file, '--json'], { AUDIT_HMAC_KEY: 'another' })).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('"code":"wrong_key"') as string,
  });
});

test('audit verify warns of a torn tail and of a beginning that was not given, and fails for neither', async () => {
  const file = await golden();
  await appendFile(file, '{"seq":4,"ts":"20');
  const ran = await verify([file]);
  expect(ran.exitCode).toBe(0);
  expect(ran.err).toBe(`${file}:2: torn tail: 17 bytes of a write that was interrupted\n`);
  const alone = join(node.folder, 'alone.log');
  await writeFile(alone, GOLDEN[3]);
  const middle = await verify([alone]);
  expect(middle.exitCode).toBe(0);
  expect(middle.err).toContain('begins after record 95384fe2');
  expect((await verify([alone, '--head', '0'.repeat(64)])).exitCode).toBe(1);
});

test('audit verify says when it cannot be checked', async () => {
  const file = await golden();
  const empty = join(node.folder, 'empty');
  await writeFile(empty, '');
  for (const [argv, env] of [
    [[file], {}],
    [[file, '--key-env', 'NOT_SET'], { AUDIT_HMAC_KEY: KEY }],
    [[file, '--key-file', join(node.folder, 'no-key')], {}],
    [[file, '--key-file', empty], {}],
    [[join(node.folder, 'no-log')], { AUDIT_HMAC_KEY: KEY }],
    [[join(node.folder, 'no-folder', 'no-log')], { AUDIT_HMAC_KEY: KEY }],
    [[file, join(node.folder, 'no-log')], { AUDIT_HMAC_KEY: KEY }],
    [[node.folder], { AUDIT_HMAC_KEY: KEY }],
    [[empty], { AUDIT_HMAC_KEY: KEY }],
    [[file, '--head', 'short'], { AUDIT_HMAC_KEY: KEY }],
    [[], { AUDIT_HMAC_KEY: KEY }],
  ] as const)
    expect((await verify(argv, env as Record<string, string>)).exitCode, argv.join(' ')).toBe(2);
  expect((await verify(['--help'])).out).toMatch(/0 verified, 1 broken, 2 it cannot be checked/);
});
