import type { Bus, CallContext } from '@macronode/bus';
import { textLines } from '@macronode/content';
import {
  LIMITS,
  type RegistryCall,
  RegistryCommitted,
  RegistryEntry,
  RegistryHead,
  SUBJECTS,
} from '@macronode/contracts';
import type { LogSource } from '@macronode/log';
import { newUlid } from '@macronode/service';

const { registry } = SUBJECTS;
/** An entry with its payload, and the names around them. */
const LINE_BYTES = LIMITS.registry_payload_bytes.value + LIMITS.registry_leaf_bytes.value + 1_024;

const contextOf = (signal: AbortSignal): CallContext => ({
  corrId: newUlid(),
  ttlMs: LIMITS.request_timeout_ms.value,
  signal,
});

/** The registry as the gateway reads it: over the bus, like any other caller, and of its entries only what is told of them. */
export class BusLogSource implements LogSource<RegistryCommitted> {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async head(signal: AbortSignal): Promise<RegistryHead> {
    const call: RegistryCall = { route: 'registryHead', query: {} };
    const { head, body } = await this.#bus.read(registry.read, call, contextOf(signal));
    body.cancel('the answer is whole');
    return RegistryHead.parse(JSON.parse(Buffer.from(head.bytes ?? []).toString()));
  }

  async after(after: number, limit: number, signal: AbortSignal): Promise<readonly RegistryCommitted[]> {
    const query = { after: String(after), limit: String(limit) };
    const call: RegistryCall = { route: 'registryLog', query };
    const { head, body } = await this.#bus.read(registry.read, call, contextOf(signal));
    const source = head.bytes === undefined ? body : [head.bytes];
    const found: RegistryCommitted[] = [];
    for await (const line of textLines(source, LINE_BYTES)) {
      const { entry_b3, leaf } = RegistryEntry.parse(JSON.parse(line));
      const { version, payload_b3, committed_at } = leaf;
      found.push({ version, payload_b3, entry_b3, committed_at });
      if (found.length === limit) break;
    }
    return found;
  }
}
