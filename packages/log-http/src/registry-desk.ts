import type { RegistryAnswer, RegistryCall, RegistryRouteName } from '@macronode/contracts';
import type { RequestContext } from '@macronode/service';

/** An answer of the registry: `bytes`, or, without them and unless it is a 304, the `body` that follows. */
export interface DeskAnswer extends RegistryAnswer {
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

/** Who answers a request to the registry: the log itself, or the bus that leads to it. */
export abstract class RegistryDesk {
  /**
   * Asked before the body of a request is read: takes a place where places are bounded, or throws. What it returns is called
   * once the answer is over. Without an own one every request has a place.
   */
  enter(_route: RegistryRouteName): () => void {
    return () => undefined;
  }

  /**
   * Rejects with what is an error on the public surface. A `body` is iterated once, to its end, until it fails or until the
   * client goes away; then its iterator is returned.
   */
  abstract answer(call: RegistryCall, context: RequestContext): Promise<DeskAnswer>;
}
