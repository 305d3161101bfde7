/** What a peer process is told. */
export interface PeerOrder {
  /** Claims a second from now on; 0: none. */
  readonly perSecond: number;
}

export type PeerMessage =
  | { readonly type: 'listening'; readonly address: string }
  /** Claims it has published until then. */
  | { readonly type: 'published'; readonly claims: number };
