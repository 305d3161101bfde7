// The mesh of one gateway, as its operator sees it and speaks in it by the admin routes.
import {
  MESH_ADMIN_ROUTES,
  MESH_CLAIMS_PAGE,
  type MeshClaim,
  type MeshClaimDraft,
  type MeshClaimKind,
  MeshClaimList,
  MeshStanding,
  MeshStatus,
  MeshTrustReload,
} from '@macronode/contracts';

/** Longer than a mesh thread may take to answer. */
const TIMEOUT_MS = 10_000;

export class MeshDesk {
  readonly #opsUrl: string;
  readonly #token: string;

  constructor(opsUrl: string, token: string) {
    this.#opsUrl = opsUrl;
    this.#token = token;
  }

  async status(): Promise<MeshStatus> {
    return MeshStatus.parse(await this.#ask('GET', MESH_ADMIN_ROUTES.status));
  }

  /** Claims of one subject, or the first of all, as many as one answer holds. */
  async claims(subject?: string): Promise<readonly MeshClaim[]> {
    const about = subject === undefined ? '' : `&subject=${encodeURIComponent(subject)}`;
    const path = `${MESH_ADMIN_ROUTES.claims}?limit=${MESH_CLAIMS_PAGE}${about}`;
    return MeshClaimList.parse(await this.#ask('GET', path)).claims;
  }

  async standing(address: string): Promise<MeshStanding> {
    const path = MESH_ADMIN_ROUTES.standing.replace('{address}', encodeURIComponent(address));
    return MeshStanding.parse(await this.#ask('GET', path));
  }

  /** Has the gateway say something. */
  async publish(draft: MeshClaimDraft): Promise<void> {
    await this.#ask('POST', MESH_ADMIN_ROUTES.claims, draft);
  }

  /** Has the gateway take back what it said. */
  async revoke(kind: MeshClaimKind, subject: string): Promise<void> {
    const path = MESH_ADMIN_ROUTES.claim.replace('{kind}', kind).replace('{subject}', encodeURIComponent(subject));
    await this.#ask('DELETE', path);
  }

  /** Has the gateway read its trust list again. */
  async reload(): Promise<MeshTrustReload> {
    return MeshTrustReload.parse(await this.#ask('POST', MESH_ADMIN_ROUTES.reload));
  }

  /** Throws for any answer that is not 2xx. */
  async #ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#opsUrl}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
