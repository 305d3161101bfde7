import { LIMITS } from '@macronode/contracts';
import { type ConfigOf, defineConfig, knob } from '@macronode/service';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const storageConfig = defineConfig('storage', {
  maxObjectBytes: knob.int({
    env: 'STORAGE_MAX_OBJECT_BYTES',
    default: LIMITS.max_object_bytes.value,
    unit: 'bytes',
    min: 1,
    max: LIMITS.max_object_bytes.value,
    help: 'Largest object this storage takes.',
    reason: LIMITS.max_object_bytes.reason,
  }),
  uploadSlots: knob.int({
    env: 'STORAGE_UPLOAD_SLOTS',
    default: LIMITS.upload_slots.value,
    unit: 'count',
    min: 1,
    max: 1_024,
    help: 'Uploads open at once; the next one is refused with 503.',
    reason: LIMITS.upload_slots.reason,
  }),
  readSlots: knob.int({
    env: 'STORAGE_READ_SLOTS',
    default: LIMITS.read_slots.value,
    unit: 'count',
    min: 1,
    max: 1_024,
    help: 'Reads of more than one chunk streamed at once; the next one is refused with 503.',
    reason: LIMITS.read_slots.reason,
  }),
  memoryBytes: knob.int({
    env: 'STORAGE_MEMORY_BYTES',
    default: 512 * MIB,
    unit: 'bytes',
    min: MIB,
    max: 64 * GIB,
    help: 'Bytes kept without a data folder; an upload beyond them is refused with 507.',
    reason: 'Leaves room for the rest of the process on a machine with 1 GiB.',
  }),
  minFreeBytes: knob.int({
    env: 'STORAGE_MIN_FREE_BYTES',
    default: 256 * MIB,
    unit: 'bytes',
    min: 0,
    max: 1_024 * GIB,
    help: 'Free space below which no upload is taken; reads go on.',
    reason: 'Rows, write-ahead logs and the neighbours on the disk still fit.',
  }),
});

export type StorageConfig = ConfigOf<typeof storageConfig>;
