import type { ConsoleState } from '../history/state.ts';
import type { Level } from '../panels/panel.ts';

/** One instance of one service, judged. */
export interface InstanceHealth {
  /** Name of the process it runs in. */
  readonly process: string;
  /** Where its ops port is; empty for the process that answers. */
  readonly address: string;
  readonly level: Level;
  readonly word: 'ready' | 'reads only' | 'not ready' | 'unreachable';
  /** What is missing and when to ask again, or why there is no answer. */
  readonly detail: string;
}

export interface ServiceHealth {
  readonly service: string;
  /** Warn while some instance is left that is ready, bad when none is. */
  readonly level: Level;
  readonly instances: readonly InstanceHealth[];
}

export interface Verdict {
  readonly level: Level;
  readonly text: string;
}

/** Every service with its instances, in the order they are listed in. */
export function healthOf(state: ConsoleState): readonly ServiceHealth[] {
  const services = new Map<string, InstanceHealth[]>();
  const add = (service: string, health: InstanceHealth): void => {
    services.set(service, [...(services.get(service) ?? []), health]);
  };
  for (const { id, name, problem, readiness } of state.instances) {
    const where = { process: name, address: id === 'self' ? '' : id };
    if (problem !== null) add(name, { ...where, level: 'bad', word: 'unreachable', detail: problem });
    for (const { service, ready, write_ready, missing, retry_after } of readiness) {
      const again = retry_after === null ? '' : `, ask again in ${retry_after} s`;
      add(service, {
        ...where,
        level: !ready ? 'bad' : write_ready ? 'ok' : 'warn',
        word: !ready ? 'not ready' : write_ready ? 'ready' : 'reads only',
        detail: missing.length === 0 ? '' : `missing: ${missing.join(', ')}${again}`,
      });
    }
  }
  return [...services].map(([service, instances]) => ({ service, level: worst(instances), instances }));
}

/** A service is as well as its best instance, less a step when another is worse. */
function worst(instances: readonly InstanceHealth[]): Level {
  if (instances.every(({ level }) => level === 'ok')) return 'ok';
  return instances.some(({ level }) => level !== 'bad') ? 'warn' : 'bad';
}

/** The one sentence at the top. */
export function verdictOf(services: readonly ServiceHealth[]): Verdict {
  const named = (level: Level): string =>
    services
      .filter((service) => service.level === level)
      .map(({ service }) => service)
      .join(', ');
  const down = named('bad');
  const impaired = named('warn');
  if (down !== '') return { level: 'bad', text: `Down: ${down}${impaired === '' ? '' : `. Impaired: ${impaired}`}` };
  if (impaired !== '') return { level: 'warn', text: `Impaired: ${impaired}` };
  return { level: 'ok', text: `All ${services.length} services are ready` };
}
