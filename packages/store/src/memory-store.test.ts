import { storeConformance } from './conformance.ts';

storeConformance('memory', { setup: () => 'memory', teardown: () => undefined });
