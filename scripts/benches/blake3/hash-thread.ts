// A thread that hashes what it is sent: what a service would hand its chunks to.
import { parentPort } from 'node:worker_threads';
import { hashBytes } from '@macronode/content';

parentPort?.on('message', (block: Uint8Array) => parentPort?.postMessage(hashBytes(block)));
