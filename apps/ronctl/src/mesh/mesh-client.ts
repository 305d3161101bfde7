import {
  MESH_ADMIN_ROUTES,
  type MeshClaimDraft,
  MeshClaimList,
  type MeshClaimKind,
  MeshClaimTaken,
  MeshPeerList,
  MeshStanding,
  MeshStatus,
  MeshTrustReload,
} from '@macronode/contracts';
import { type NodeClient, pathWith } from '../node-client.ts';

const JSON_BODY = { 'content-type': 'application/json' } as const;

/** The mesh of a node, over its ops port. */
export class MeshClient {
  readonly #client: NodeClient;

  constructor(client: NodeClient) {
    this.#client = client;
  }

  async status(): Promise<MeshStatus> {
    return (await this.#client.json({ method: 'GET', path: MESH_ADMIN_ROUTES.status }, MeshStatus)).value;
  }

  async peers(): Promise<MeshPeerList> {
    return (await this.#client.json({ method: 'GET', path: MESH_ADMIN_ROUTES.peers }, MeshPeerList)).value;
  }

  async claims(limit: number, subject: string | undefined): Promise<MeshClaimList> {
    const query = new URLSearchParams({ limit: String(limit), ...(subject === undefined ? {} : { subject }) });
    const path = `${MESH_ADMIN_ROUTES.claims}?${query.toString()}`;
    return (await this.#client.json({ method: 'GET', path }, MeshClaimList)).value;
  }

  async publish(draft: MeshClaimDraft): Promise<MeshClaimTaken> {
    const body = Buffer.from(JSON.stringify(draft));
    const call = { method: 'POST', path: MESH_ADMIN_ROUTES.claims, headers: JSON_BODY, body } as const;
    return (await this.#client.json(call, MeshClaimTaken)).value;
  }

  async revoke(kind: MeshClaimKind, subject: string): Promise<MeshClaimTaken> {
    const path = pathWith(MESH_ADMIN_ROUTES.claim, { kind, subject });
    return (await this.#client.json({ method: 'DELETE', path }, MeshClaimTaken)).value;
  }

  async standing(address: string): Promise<MeshStanding> {
    const path = pathWith(MESH_ADMIN_ROUTES.standing, { address });
    return (await this.#client.json({ method: 'GET', path }, MeshStanding)).value;
  }

  async reload(): Promise<MeshTrustReload> {
    return (await this.#client.json({ method: 'POST', path: MESH_ADMIN_ROUTES.reload }, MeshTrustReload)).value;
  }
}
