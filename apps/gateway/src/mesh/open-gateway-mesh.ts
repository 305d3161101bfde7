import { join } from 'node:path';
import { type Mesh, type MeshOptions, openMesh } from '@macronode/mesh';
import type { ServiceDeps } from '@macronode/service';
import type { GatewayConfig } from '../config.ts';
import { reloadTrust } from './mesh-admin.ts';
import { AUDIT_KEY_BYTES } from './mesh-knobs.ts';
import { traceMesh } from './mesh-spans.ts';

type Deps = ServiceDeps<GatewayConfig>;

/**
 * Opens the mesh of this gateway; the start fails where it cannot: its port is taken, its key or the trust list damaged.
 * SIGHUP reads the trust list again.
 */
export async function openGatewayMesh(deps: Deps): Promise<Mesh> {
  // Only until it first ran: later the mesh is advice, and a gateway without it serves as well as one that never had it.
  let started = false;
  deps.readiness.check('mesh_started', () => started, { gates: 'ready', holdMs: 0 });
  const mesh = await openMesh(optionsOf(deps));
  started = true;
  deps.onClose('mesh', () => mesh[Symbol.asyncDispose]());
  reloadOnSignal(deps, mesh);
  deps.log.info({ mesh_node_id: mesh.nodeId, mesh_listen: mesh.listen }, 'the mesh runs');
  return mesh;
}

function optionsOf(deps: Deps): MeshOptions {
  const { config, log, metrics, spans, version } = deps;
  const { meshKey, meshTrust, meshHost, meshPort, meshPeers } = config;
  const keyFile = meshKey ?? (deps.dataDir === undefined ? undefined : join(deps.dataDir, 'mesh.key'));
  if (keyFile === undefined) {
    log.warn(
      'the mesh has a key of this run only: neither MESH_KEY nor DATA_DIR is set, and no trust list can name it ahead',
    );
  }
  return {
    scope: metrics,
    log: (level, message) => log[level](message),
    keyFile,
    // The settings were refused without one.
    trustFile: meshTrust ?? '',
    listen: { host: meshHost, port: meshPort },
    peers: meshPeers?.split(',') ?? [],
    audit: auditOf(deps),
    tracing: spans && { level: log.isLevelEnabled('debug') ? 'claims' : 'rounds', trace: traceMesh(spans) },
    agent: `macronode/${version}`,
  };
}

function auditOf({ config, log }: Deps): MeshOptions['audit'] {
  const { meshAudit: file, auditKey, auditPreviousKey } = config;
  if (file === undefined || auditKey === undefined) return undefined;
  const key = Buffer.from(auditKey);
  if (key.length < AUDIT_KEY_BYTES) {
    log.warn(
      `AUDIT_HMAC_KEY has ${String(key.length)} bytes: with fewer than ${String(AUDIT_KEY_BYTES)} the chain of the audit log can be guessed`,
    );
  }
  return { file, key, ...(auditPreviousKey !== undefined && { previousKey: Buffer.from(auditPreviousKey) }) };
}

function reloadOnSignal(deps: Deps, mesh: Mesh): void {
  const { log } = deps;
  const reload = (): void => {
    reloadTrust(mesh, log).catch((err: unknown) => log.warn({ err }, 'trust list not read: the mesh does not answer'));
  };
  process.on('SIGHUP', reload);
  deps.onClose('mesh signal', () => void process.off('SIGHUP', reload));
}
