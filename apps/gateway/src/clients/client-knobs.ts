import { knob } from '@macronode/service';

/** The settings of the share of an address. */
export const clientKnobs = {
  clientRps: knob.int({
    env: 'GATEWAY_CLIENT_RPS',
    default: 0,
    unit: 'requests/s',
    min: 0,
    max: 1_000_000,
    help: 'Requests a second of one client address; above it comes 429, and who does not stop is cut. 0: no share.',
    reason:
      'Off by default: the address is that of the connection, and behind a balancer, or from a load generator, that is one for all.',
  }),
  clientBurst: knob.int({
    env: 'GATEWAY_CLIENT_BURST',
    default: 128,
    unit: 'count',
    min: 1,
    max: 1_000_000,
    help: 'Requests of one address that may come at once.',
    reason:
      'A page with all it names, or a client that starts, asks for so many at a time; over a second the rate decides.',
  }),
  clientMalformedRps: knob.int({
    env: 'GATEWAY_CLIENT_MALFORMED_RPS',
    default: 0,
    unit: 'requests/s',
    min: 0,
    max: 1_000_000,
    help: 'Malformed requests a second of one address (answered 400 or 431); who does not stop above it is cut. 0: not counted.',
    reason: 'Off by default, for the same reason.',
  }),
  cutMs: knob.int({
    env: 'GATEWAY_CUT_MS',
    default: 10_000,
    unit: 'ms',
    min: 100,
    max: 3_600_000,
    help: 'How long a client stays cut: every request is refused and its connection closed.',
    reason:
      'As long as the window its refusals were counted in. At most an hour: what is to hold longer is for a firewall.',
  }),
  tarpitMs: knob.int({
    env: 'GATEWAY_TARPIT_MS',
    default: 0,
    unit: 'ms',
    min: 0,
    max: 5_000,
    help: 'How long each of those refusals is held back. 0: they are sent at once.',
    reason: 'At most 5 s, so that a drain has time for the last of them.',
  }),
};
