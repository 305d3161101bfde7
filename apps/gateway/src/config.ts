import { LIMITS } from '@macronode/contracts';
import { defineConfig, knob, type ConfigOf } from '@macronode/service';
import { clientKnobs } from './clients/client-knobs.ts';
import { meshKnobs, meshProblems } from './mesh/mesh-knobs.ts';

export const gatewayConfig = defineConfig(
  'gateway',
  {
    host: knob.string({ env: 'HTTP_HOST', default: '0.0.0.0', help: 'Address the public surface listens on.' }),
    port: knob.int({
      env: 'PORT',
      default: 8080,
      unit: 'port',
      min: 0,
      max: 65_535,
      help: 'Port of the public surface; 0 picks a free one.',
    }),
    reusePort: knob.bool({
      env: 'HTTP_REUSE_PORT',
      default: false,
      help: 'Share the port with other gateways of this machine; the kernel spreads connections (SO_REUSEPORT).',
    }),
    connections: knob.int({
      env: 'GATEWAY_CONNECTIONS',
      default: LIMITS.http_connections.value,
      unit: 'count',
      min: 1,
      max: 65_535,
      help: LIMITS.http_connections.reason,
    }),
    echo: knob.bool({
      env: 'GATEWAY_ECHO',
      default: false,
      help: 'Answers POST /echo: the bytes sent, through every service and back. Load tests switch it on.',
      reason: 'Off by default, because it makes work in every service for anybody who asks.',
    }),
    inflight: knob.int({
      env: 'GATEWAY_INFLIGHT',
      default: LIMITS.gateway_inflight.value,
      unit: 'count',
      min: 1,
      max: 65_535,
      help: LIMITS.gateway_inflight.reason,
    }),
    streamClients: knob.int({
      env: 'GATEWAY_STREAM_CLIENTS',
      default: LIMITS.registry_stream_clients.value,
      unit: 'count',
      min: 1,
      max: 65_535,
      help: 'Event streams of the registry open at once in this gateway; the next one is refused with 429.',
      reason: 'They hold no place among the requests in flight. Each may hold a queue of 256 events.',
    }),
    ...clientKnobs,
    ...meshKnobs,
  },
  { check: meshProblems },
);

export type GatewayConfig = ConfigOf<typeof gatewayConfig>;
