import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventSource } from 'eventsource';
import { describe, expect, test } from 'vitest';
import { RegistryCommitted, RegistryEntry, RegistrySigners } from '@macronode/contracts';
import { canonicalPayload } from '@macronode/log';
import { client, headerOf, refused } from './client.ts';
import { until } from './poll.ts';
import { Governance } from './registry-signers.ts';
import { target } from './target.ts';

const run = promisify(execFile);
const governance = new Governance();
const [first] = governance.signers;
if (first === undefined) throw new Error('a log without signers');

describe('a version', () => {
  test('is proposed, approved by a quorum, committed, and stays as it is', async () => {
    const payload = await governance.payload([{ id: 'node-1', kind: 'node', addr: 'https://n1.example:443/' }]);
    const id = canonicalPayload(payload).hash;
    const proposed = await governance.propose(payload, first);
    expect(proposed.status, proposed.text).toBe(202);
    expect(headerOf(proposed, 'location')).toBe(`/registry/proposals/${id}`);
    const early = await governance.commit(id, first);
    expect(refused(early)).toEqual({ status: 409, code: 'quorum_failed' });
    for (const signer of governance.quorum()) expect((await governance.approve(id, signer)).status).toBe(200);
    const committed = await governance.commit(id, first);
    expect(committed.status, committed.text).toBe(201);
    const { version, entry_b3 } = RegistryCommitted.parse(committed.json());
    expect((await governance.commit(id, first)).status).toBe(200);

    expect(await governance.head()).toMatchObject({ version, entry_b3, checkpoint_size: version });
    const entry = await client.get(`/registry/${version}`);
    expect([headerOf(entry, 'etag'), headerOf(entry, 'cache-control')]).toEqual([
      `"${entry_b3}"`,
      'public, max-age=31536000, immutable',
    ]);
    expect(RegistryEntry.parse(entry.json())).toMatchObject({ entry_b3, payload, leaf: { version } });
    const again = await client.get(`/registry/${version}`, { 'if-none-match': `"${entry_b3}"` });
    expect([again.status, again.text]).toEqual([304, '']);
    expect((await client.get(`/registry/${version}/proof`)).text).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });

  test('is refused when it was signed for another place, and the audit chain says so', async () => {
    await governance.round();
    const payload = { ...(await governance.payload([{ id: 'late', kind: 'node' }])), version: 1 };
    const reply = await governance.propose(payload, first);
    expect(refused(reply)).toEqual({ status: 409, code: 'chain_mismatch' });
    await until(async () => (await client.get('/registry/audit')).text.includes('"reason":"chain_mismatch"'), {
      what: 'the refusal in the audit chain',
    });
  });
});

describe('the event stream', () => {
  test('tells every version once through reconnects', async () => {
    const begun = (await governance.round()).version;
    const heard: number[] = [];
    let source: EventSource | undefined;
    const listen = (after: number): void => {
      // A browser reconnects with the header; a stream opened anew says the same in its query.
      source = new EventSource(`${target.url}/registry/stream?last_event_id=${after}`);
      source.addEventListener('commit', (event) => heard.push(Number(event.lastEventId)));
    };
    try {
      listen(begun);
      for (let round = 0; round < 3; round += 1) {
        const { version } = await governance.round();
        await until(async () => Promise.resolve(heard.at(-1) === version), { what: `version ${version} as an event` });
        source?.close();
        const missed = (await governance.round()).version;
        listen(version);
        await until(async () => Promise.resolve(heard.at(-1) === missed), { what: `version ${missed} sent again` });
      }
    } finally {
      source?.close();
    }
    expect(heard).toEqual(Array.from({ length: 6 }, (_, at) => begun + 1 + at));
  });
});

describe('the log verifies', () => {
  test('by ronctl, which reads HTTP only', async () => {
    const program = join(import.meta.dirname, '../apps/ronctl/bin/ronctl.js');
    const { stdout } = await run(process.execPath, [program, 'registry', 'verify', target.url, '--json']);
    const { version } = await governance.head();
    expect(JSON.parse(stdout)).toMatchObject({ log: governance.log, checkpoint_size: version });
  });

  test('by a program in Go with its standard library alone', async () => {
    const { vkey } = RegistrySigners.parse((await client.get('/registry/signers')).json());
    const folder = join(import.meta.dirname, 'registry-verifier-go');
    const { stdout } = await run('go', ['run', '.', target.url, vkey], { cwd: folder });
    expect(stdout).toMatch(/^verified: /);
  });
});
