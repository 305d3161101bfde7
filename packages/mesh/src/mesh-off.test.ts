import { execFile } from 'node:child_process';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Imports the package and shows its metrics in a process of its own, and prints every module that was loaded. */
const CHILD = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const { showMesh } = await import(process.argv[2]);
const { MetricsRegistry } = await import(process.argv[3]);
const registry = new MetricsRegistry();
showMesh(registry.scope({}), { name: 'test', version: '1.2.3' });
console.log(JSON.stringify({ loaded, text: await registry.render(), resources: process.getActiveResourcesInfo() }));
`;

describe('a mesh that is off', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'macronode-mesh-off-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('loads nothing of the network, starts nothing, and shows its metrics as 0', async () => {
    const child = join(folder, 'child.mjs');
    writeFileSync(child, CHILD);
    const mesh = new URL('../dist/index.js', import.meta.url).href;
    const metrics = import.meta.resolve('@macronode/metrics');
    const { stdout } = await run(process.execPath, [child, mesh, metrics]);
    const { loaded, text, resources } = JSON.parse(stdout) as { loaded: string[]; text: string; resources: string[] };
    expect(loaded.some((url) => url.endsWith('/packages/mesh/dist/open-mesh.js'))).toBe(true);
    expect(
      loaded.filter((url) => /node_modules\/(@libp2p|@multiformats|libp2p)\/|\/dist\/network\//.test(url)),
    ).toEqual([]);
    expect(resources.filter((kind) => !kind.includes('Pipe'))).toEqual([]);
    for (const line of [
      'lean_gossip_mesh_peers{client="unknown"} 0',
      'lean_connected_peers{client="unknown"} 0',
      'lean_gossip_mesh_running 0',
      'lean_node_info{name="test",version="1.2.3"} 1',
      'lean_peer_connection_events_total{direction="inbound",result="timeout"} 0',
      'lean_peer_disconnection_events_total{direction="outbound",reason="local_close"} 0',
      'mesh_claims_emitted_total 0',
      'mesh_claims_received_total 0',
      'mesh_claims_dropped_total{reason="signature"} 0',
      'mesh_score_lookups_total 0',
      'mesh_gossip_bytes_in_total 0',
      'mesh_gossip_bytes_out_total 0',
      'mesh_command_dropped_total{reason="uninitialized"} 0',
      'mesh_peers_age_seconds 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/^lean_node_start_time_seconds 1\d{9}/m);
    expect(text).not.toContain('gossipsub_');
  });
});
