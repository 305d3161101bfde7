// The mesh of the two gateways of compose: their keys, made in their own volumes, and the trust list that names both.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bootstrapEnvironment, ROOT } from './bootstrap.mjs';
import { runProgram } from './stages.ts';

const run = promisify(execFile);
const GATEWAYS = ['gateway', 'gateway-2'] as const;
const NODE_ID = /^[0-9a-f]{64}$/m;

/** What compose is told so that its gateways form a mesh: both cut who floods them, the second enforces scores and tells them. */
export function meshEnvironment(runDir: string): Readonly<Record<string, string>> {
  return {
    MESH: 'true',
    MESH_TRUST: join(runDir, 'mesh-trust.txt'),
    MESH_SCORE_HEADER: 'storage',
    GATEWAY_2_MESH_ENFORCE: 'true',
    // Twice what all the other tests send, so that however fast they run only the flood is cut.
    GATEWAY_CLIENT_MALFORMED_RPS: '256',
    GATEWAY_CUT_MS: '1000',
  };
}

/** Builds the image, makes a key for each gateway and writes the trust list: before any of them starts. */
export async function prepareMesh(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { MESH_TRUST: trust = '' } = env;
  // Mounted by each run below, so it must be a file by then.
  writeFileSync(trust, '');
  await runProgram(['docker', 'compose', '--progress', 'quiet', 'build', '--quiet', 'gateway'], { env });
  const lines: string[] = [];
  for (const gateway of GATEWAYS) {
    const made = ['apps/ronctl/bin/ronctl.js', 'mesh', 'id', '--create', '/data/gateway/mesh.key'];
    const { stdout } = await run(
      'docker',
      ['compose', '--progress', 'quiet', 'run', '--rm', '--no-deps', '-T', '--entrypoint', 'node', gateway, ...made],
      { cwd: ROOT, env: { ...bootstrapEnvironment(), ...env } },
    );
    const [id] = NODE_ID.exec(stdout) ?? [];
    if (id === undefined) throw new Error(`${gateway} has no node id: ${stdout}`);
    lines.push(`${gateway.replaceAll('-', '_')} ${id}\n`);
  }
  writeFileSync(trust, lines.join(''));
}
