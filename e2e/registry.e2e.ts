import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventSource } from 'eventsource';
import { describe, expect, test } from 'vitest';
import { RegistryCommitted, RegistryEntry, RegistrySigners } from '@macronode/contracts';
import { canonicalPayload } from '@macronode/log';
import { client, headerOf, refused } from './client.ts';
import { CuttingProxy } from './cutting-proxy.ts';
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

/** One stream that is held open, and all that is told over it. */
class Follower implements Disposable {
  readonly told: string[] = [];
  readonly source: EventSource;

  constructor(url: string) {
    this.source = new EventSource(url);
    for (const type of ['commit', 'reset', 'lag']) {
      this.source.addEventListener(type, ({ lastEventId, data }) =>
        this.told.push(`${type} ${lastEventId} ${(JSON.parse(String(data)) as RegistryCommitted).entry_b3}`),
      );
    }
  }

  [Symbol.dispose](): void {
    this.source.close();
  }

  /** Until a version was told. */
  async hears(committed: RegistryCommitted): Promise<void> {
    const what = `version ${committed.version} as an event`;
    await until(() => Promise.resolve(this.told.at(-1) === toldOf(committed)), { what });
  }
}

const toldOf = ({ version, entry_b3 }: RegistryCommitted): string => `commit ${version} ${entry_b3}`;

/** The header in which a client names the last version it heard. */
const lastEventId = (request: string | undefined): string | undefined =>
  /^last-event-id: (.*)$/im.exec(request ?? '')?.[1];

/** The event of a commit is longer than three of these: each cut is in the midst of it, the next one further on. */
const CUT_STEP_BYTES = 50;

describe('the event stream', () => {
  test('tells a client that reconnects by itself every version once, though cut in the midst of events', async () => {
    await using proxy = await CuttingProxy.before(target.url);
    const begun = (await governance.round()).version;
    // The address stays as it was: from the second connection on the header says more than the query.
    using follower = new Follower(`${proxy.url}/registry/stream?last_event_id=${begun}`);
    const committed: RegistryCommitted[] = [];
    const commit = async (): Promise<RegistryCommitted> => {
      const one = await governance.round();
      committed.push(one);
      return one;
    };
    for (let cuts = 1; cuts <= 3; cuts += 1) {
      const live = await commit();
      await follower.hears(live);
      expect(proxy.asked).toHaveLength(cuts);
      proxy.cutAfter(CUT_STEP_BYTES * cuts);
      await commit();
      await follower.hears(await commit());
      expect(lastEventId(proxy.asked[cuts])).toBe(String(live.version));
    }
    await follower.hears(await commit());
    expect(follower.told).toEqual(committed.map(toldOf));
    expect(committed.map(({ version }) => version)).toEqual(committed.map((_, at) => begun + 1 + at));
  });

  test('tells it what was committed while every connection was refused', async () => {
    await using proxy = await CuttingProxy.before(target.url);
    const begun = (await governance.round()).version;
    using follower = new Follower(`${proxy.url}/registry/stream?last_event_id=${begun}`);
    const committed = [await governance.round()];
    await follower.hears(committed[0]!);
    proxy.refuse();
    committed.push(await governance.round(), await governance.round());
    await until(() => Promise.resolve(proxy.refused >= 2), { what: 'the client to try twice in vain' });
    expect(follower.source.readyState).toBe(EventSource.CONNECTING);
    committed.push(await governance.round());
    proxy.accept();
    await follower.hears(committed[3]!);
    committed.push(await governance.round());
    await follower.hears(committed[4]!);
    expect(follower.told).toEqual(committed.map(toldOf));
    expect(committed.map(({ version }) => version)).toEqual(committed.map((_, at) => begun + 1 + at));
    expect(proxy.asked.map(lastEventId)).toEqual([undefined, String(begun + 1)]);
  });

  test('goes on for a client that opens it anew, by what its query says', async () => {
    const begun = (await governance.round()).version;
    const heard: number[] = [];
    let source: EventSource | undefined;
    const listen = (after: number): void => {
      // A stream that is opened anew cannot send the header: the constructor takes none.
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
    const { stdout, stderr } = await run('go', ['run', '.', target.url, vkey], { cwd: folder });
    expect(stdout).toMatch(/^verified: .* 3 proofs\n$/);
    expect(stderr).toMatch(/^[0-9]+ proofs of consistency: 1->2, .*[0-9]+->[0-9]+\n$/m);
  });
});
