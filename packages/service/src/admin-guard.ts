import { createHash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '@macronode/contracts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Who may use the admin routes of an ops port: whoever sends the node's admin token. Without a token nobody may.
 * Tokens are compared by digest and in constant time, so an answer tells nothing of how close a guess was.
 */
export class AdminGuard {
  readonly #expected: Buffer | undefined;

  constructor(token: string | undefined) {
    this.#expected = token === undefined ? undefined : digest(token);
  }

  /** Throws `forbidden` when the routes are turned off, `unauthorized` without the token. */
  check(authorization: string | undefined): void {
    if (this.#expected === undefined) {
      const message = 'The admin routes are turned off. Set ADMIN_TOKEN on this node to turn them on.';
      throw new ServiceError('forbidden', message, { reason: 'admin_off' });
    }
    const [, sent] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (sent === undefined || !timingSafeEqual(digest(sent), this.#expected)) {
      throw new ServiceError('unauthorized', 'This route asks for the admin token: Authorization: Bearer …');
    }
  }
}
