import type { Bus } from '@macronode/bus';
import { type RegistryCall, REGISTRY_ROUTES, type RegistryRouteName, SUBJECTS } from '@macronode/contracts';
import { type DeskAnswer, RegistryDesk } from '@macronode/log-http';
import { type RequestContext, toCallContext } from '@macronode/service';
import { identityTags, VARIES } from './compression.ts';
import { currentCopy } from './conditions.ts';

const NOT_MODIFIED = 304;

const writes = (route: RegistryRouteName): boolean => REGISTRY_ROUTES[route].method === 'POST';

/** Hands requests to the registry on, and its answers back. */
export class BusRegistryDesk extends RegistryDesk {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    super();
    this.#bus = bus;
  }

  override async answer(call: RegistryCall, context: RequestContext): Promise<DeskAnswer> {
    const { registry } = SUBJECTS;
    if (writes(call.route)) return this.#bus.call(registry.write, call, toCallContext(context));
    const tags = call.if_none_match;
    const asked = tags === undefined ? call : { ...call, if_none_match: identityTags(tags) };
    const { head, body } = await this.#bus.read(registry.read, asked, toCallContext(context));
    return { ...(head.status === NOT_MODIFIED ? ofCopy(tags, head) : head), body };
  }
}

/** The caller's copy may be a compressed one, with a tag of its own: that one is current (RFC 9111, 4.3.4). */
function ofCopy(tags: string | undefined, answer: DeskAnswer): DeskAnswer {
  const etag = answer.headers['etag'] ?? '';
  const copy = currentCopy(tags, etag.slice(1, -1));
  return { ...answer, headers: { ...answer.headers, ...VARIES, ...(copy !== undefined && { etag: `"${copy}"` }) } };
}
