import { showMesh } from '@macronode/mesh';
import type { ServiceDeps } from '@macronode/service';
import type { GatewayConfig } from '../config.ts';
import { answerMesh, answerMeshOff, type ShownPolicy } from './mesh-admin.ts';
import { Enforcement } from './enforcement.ts';
import type { Scoring } from './mesh-edge.ts';
import { openGatewayMesh } from './open-gateway-mesh.ts';
import { parseUpstreams, ScoredRoutes } from './scored-routes.ts';

type Deps = ServiceDeps<GatewayConfig>;

/** Opens the mesh where it is on. Off, nothing of it is loaded, and its metrics say 0. */
export async function openScoring(deps: Deps): Promise<Scoring | undefined> {
  const { mesh: on, meshEnforce, meshDenyAbove, meshQuorum, meshScoreHeader } = deps.config;
  const policy: ShownPolicy = { enabled: meshEnforce, denyAbove: meshDenyAbove / 1_000, quorum: meshQuorum };
  const onAdmin: Deps['onAdmin'] = (route, handler) => deps.onAdmin(route, handler);
  showMesh(deps.metrics, { name: 'macronode', version: deps.version });
  if (!on) {
    answerMeshOff(onAdmin, policy);
    return undefined;
  }
  const mesh = await openGatewayMesh(deps);
  answerMesh(onAdmin, mesh, policy, deps.log);
  return {
    mesh,
    enforcement: meshEnforce ? new Enforcement(policy, mesh.decided.bind(mesh)) : undefined,
    scored: new ScoredRoutes(parseUpstreams(meshScoreHeader)),
  };
}
