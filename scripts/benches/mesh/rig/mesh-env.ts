import type { MeshFolder } from './folder.ts';

interface MeshSettings {
  readonly folder: MeshFolder;
  /** Whose key of the folder it uses. */
  readonly node: string;
  readonly peers?: readonly string[];
  readonly audit?: boolean;
}

const AUDIT_KEY = 'an-audit-key-of-a-bench-run-of-32-bytes-and-more';

/** Settings of a gateway that takes part in a mesh. */
export function meshEnv({ folder, node, peers = [], audit = false }: MeshSettings): Readonly<Record<string, string>> {
  return {
    ...{ MESH: 'true', MESH_HOST: '127.0.0.1', MESH_PORT: '0' },
    ...{ MESH_TRUST: folder.trustFile, MESH_KEY: folder.keyFile(node) },
    ...(peers.length > 0 && { MESH_PEERS: peers.join(',') }),
    ...(audit && { MESH_AUDIT: folder.file(`${node}-audit.log`), AUDIT_HMAC_KEY: AUDIT_KEY }),
  };
}
