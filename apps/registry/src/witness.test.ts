import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import {
  formatAddCheckpoint,
  leafHash,
  parseSignatureLines,
  parseSignedCheckpoint,
  parseVkey,
  type SignedCheckpoint,
  verifyCheckpoint,
  verifyCosignature,
} from '@macronode/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BootedRegistry } from './booted-registry-fixture.ts';
import { registryService } from './index.ts';
import { Checkpointer } from './checkpointer.ts';
import { signers, TestLog } from './log-fixture.ts';
import { registryMetrics } from './metrics.ts';
import { Witness } from './witness.ts';

let folders: string[];
beforeEach(() => {
  folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'registry-witness-')));
});
afterEach(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const members = signers(2);
const boot = (at: number, env: Readonly<Record<string, string>> = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { folder: folders[at] ?? '', members, m: 1, env });

/** The keys of a registry, which it makes on its first start. */
async function keysOf(at: number): Promise<{ readonly vkey: string; readonly cosigner: string }> {
  await using booted = await boot(at);
  const { vkey, cosigner_vkey: cosigner } = await booted.signers();
  return { vkey, cosigner };
}

const submit = (witness: BootedRegistry, body: string): Promise<Response> =>
  fetch(`${witness.url}/registry/witness/add-checkpoint`, { method: 'POST', body });

describe('a registry that is witnessed by another', () => {
  it('has the cosignature of the witness on its checkpoint soon after a commit', async () => {
    const [log, other] = [await keysOf(0), await keysOf(1)];
    await using witness = await boot(1, { REGISTRY_WITNESSED: log.vkey });
    const address = `${other.cosigner}=${witness.url}/registry/witness`;
    await using booted = await boot(0, { REGISTRY_WITNESSES: address });
    const key = parseVkey(other.cosigner);
    const cosigned = async (): Promise<number | false> => {
      const signed = parseSignedCheckpoint(await booted.checkpoint());
      return verifyCheckpoint(signed, [key]).ok && signed.checkpoint.size;
    };
    await booted.driver.round(members);
    await expect.poll(cosigned, { timeout: 5_000 }).toBe(1);
    await booted.driver.round(members);
    await booted.driver.round(members);
    await expect.poll(cosigned, { timeout: 5_000 }).toBe(3);
    const [name] = other.cosigner.split('+', 1);
    const counted = (result: string): Promise<number> =>
      booted.metric(`witness_cosign_total{service="registry",witness="${name ?? ''}",result="${result}"}`);
    expect(await counted('cosigned')).toBeGreaterThan(0);
    expect(await counted('refused')).toBe(0);
  });
});

describe('a witness', () => {
  it('answers as C2SP tlog-witness has it', async () => {
    const log = await keysOf(0);
    await using booted = await boot(0);
    await using witness = await boot(1, { REGISTRY_WITNESSED: log.vkey });
    await booted.driver.round(members);
    const one = parseSignedCheckpoint(await booted.checkpoint());
    const first = formatAddCheckpoint({ oldSize: 0, consistency: [], checkpoint: one });
    const answer = await submit(witness, first);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^— registry\.example\/main\/cosigner \S+\n$/);

    const conflict = await submit(witness, first);
    expect(conflict.status).toBe(409);
    expect(conflict.headers.get('content-type')).toBe('text/x.tlog.size');
    expect(await conflict.text()).toBe('1\n');

    await booted.driver.round(members);
    await booted.driver.round(members);
    const three = parseSignedCheckpoint(await booted.checkpoint());
    const unproven = formatAddCheckpoint({
      oldSize: 1,
      consistency: [Buffer.alloc(32), Buffer.alloc(32)],
      checkpoint: three,
    });
    expect((await submit(witness, unproven)).status).toBe(422);
    const { hashes } = (await (await fetch(`${booted.url}/registry/consistency?from=1&to=3`)).json()) as {
      hashes: string[];
    };
    const consistency = hashes.map((hash) => Buffer.from(hash, 'base64'));
    const proven = formatAddCheckpoint({ oldSize: 1, consistency, checkpoint: three });
    expect((await submit(witness, proven.replace('\nregistry.example', '\nother.example'))).status).toBe(404);
    const unsigned = { checkpoint: three.checkpoint, signatures: one.signatures };
    expect((await submit(witness, formatAddCheckpoint({ oldSize: 1, consistency, checkpoint: unsigned }))).status).toBe(
      403,
    );
    expect((await submit(witness, 'old x\n\n')).status).toBe(400);
    const both = await Promise.all([submit(witness, proven), submit(witness, proven)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('remembers what it cosigned through a restart, and is none unless told so', async () => {
    const log = await keysOf(0);
    await using booted = await boot(0);
    await booted.driver.round(members);
    const checkpoint = parseSignedCheckpoint(await booted.checkpoint());
    const first = formatAddCheckpoint({ oldSize: 0, consistency: [], checkpoint });
    {
      await using witness = await boot(1, { REGISTRY_WITNESSED: log.vkey });
      expect((await submit(witness, first)).status).toBe(200);
    }
    {
      await using witness = await boot(1, { REGISTRY_WITNESSED: log.vkey });
      expect((await submit(witness, first)).status).toBe(409);
    }
    await using nobody = await boot(1);
    expect((await submit(nobody, first)).status).toBe(404);
  });

  it('cosigns again what it knows without a write, and no other root of that size', async () => {
    const [folder = ''] = folders;
    await using node = await TestLog.open({ members, m: 1, dataDir: folder });
    let now = 1_000_000;
    const clock = { wallMs: () => now };
    const checkpointer = new Checkpointer({
      log: 'other.example/log',
      logKey: NodeKey.ephemeral(),
      cosignerKey: NodeKey.ephemeral(),
      clock,
      metrics: node.metrics.scope({ service: 'other' }).bind(registryMetrics),
    });
    const signedOf = (leaf: string): SignedCheckpoint => {
      checkpointer.publish(1, leafHash(Buffer.from(leaf)));
      if (checkpointer.signed === undefined) throw new Error('nothing was signed');
      return checkpointer.signed;
    };
    const [one, fork] = [signedOf('one'), signedOf('another')];
    const cosigner = node.log.checkpointer?.cosigner;
    if (cosigner === undefined) throw new Error('a test log has a cosigner');
    const witness = new Witness(node.log.store, [parseVkey(checkpointer.vkey)], cosigner, clock);
    const ask = (oldSize: number, checkpoint: SignedCheckpoint, consistency: Uint8Array[] = []) =>
      witness.addCheckpoint(Buffer.from(formatAddCheckpoint({ oldSize, consistency, checkpoint })));
    const written = (): number => statSync(join(folder, 'registry.db-wal')).size;

    expect((await ask(0, one)).status).toBe(200);
    const before = written();
    for (now = 2_000_000; now <= 20_000_000; now += 1_000_000) {
      const { status, body } = await ask(1, one);
      const [line] = parseSignatureLines(body);
      expect(status).toBe(200);
      expect(line && verifyCosignature(one.checkpoint, line, cosigner.key)).toBe(now / 1_000);
    }
    expect(written()).toBe(before);
    expect(await ask(1, fork)).toMatchObject({ status: 409, body: '1\n' });
    expect((await ask(1, one, [Buffer.alloc(32)])).status).toBe(422);
    expect((await ask(1, one)).status).toBe(200);
  });

  it('cosigns one of two checkpoints that continue the same size, however close they come', async () => {
    await using node = await TestLog.open({ members, m: 1 });
    const clock = { wallMs: () => 1_000_000 };
    const cosigner = node.log.checkpointer?.cosigner;
    if (cosigner === undefined) throw new Error('a test log has a cosigner');
    const outcomes: number[][] = [];
    for (let at = 0; at < 10; at += 1) {
      const checkpointer = new Checkpointer({
        log: `other.example/log${at}`,
        logKey: NodeKey.ephemeral(),
        cosignerKey: NodeKey.ephemeral(),
        clock,
        metrics: node.metrics.scope({ service: 'other' }).bind(registryMetrics),
      });
      const witness = new Witness(node.log.store, [parseVkey(checkpointer.vkey)], cosigner, clock);
      const ask = (size: number, leaf: string) => {
        checkpointer.publish(size, leafHash(Buffer.from(leaf)));
        if (checkpointer.signed === undefined) throw new Error('nothing was signed');
        const body = formatAddCheckpoint({ oldSize: 0, consistency: [], checkpoint: checkpointer.signed });
        return witness.addCheckpoint(Buffer.from(body));
      };
      // The same size with another root, or a size further on.
      const both = await Promise.all([ask(1, 'one'), ask(1 + (at % 2), 'another')]);
      outcomes.push(both.map(({ status }) => status).sort());
    }
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => [200, 409]));
  });
});
