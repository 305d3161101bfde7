import type { ServerResponse } from 'node:http';
import { LIMITS } from '@macronode/contracts';

/**
 * A client that takes nothing of a streamed answer holds a window of ours: its socket is cut. The timer is the socket's,
 * and Node leaves it to a request that was parsed before this answer was out; so it goes first of all that happens at the
 * end.
 */
export function cutWhenStalled(response: ServerResponse): void {
  response.setTimeout(LIMITS.client_idle_timeout_ms.value, () => response.destroy());
  response.prependOnceListener('finish', () => response.socket?.setTimeout(0));
}
