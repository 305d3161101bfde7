import type { Gateway } from './gateway.ts';
import type { Peers } from './peers.ts';
import { keepTelling } from './told.ts';
import type { WindowSample } from './window.ts';

/** Claims a second a gateway makes, and each of its two peers. */
export const CLAIMS_PER_SECOND = 50;

/** A window while a gateway is told to say so many claims a second, and each peer says as many. */
export async function saturated(
  gateway: Gateway,
  peers: Peers,
  window: () => Promise<WindowSample>,
): Promise<WindowSample> {
  await peers.say(CLAIMS_PER_SECOND);
  const stop = keepTelling(gateway, CLAIMS_PER_SECOND);
  try {
    return await window();
  } finally {
    await stop();
    await peers.say(0);
  }
}
