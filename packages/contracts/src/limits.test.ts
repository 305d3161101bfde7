import { describe, expect, it } from 'vitest';
import { LIMITS, type Limit } from './limits.ts';

const rows = Object.entries<Limit>(LIMITS);

describe('the limits', () => {
  it.each(rows)('%s has a positive whole value, a unit and a reason', (name, limit) => {
    expect(name).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(Number.isSafeInteger(limit.value) && limit.value > 0).toBe(true);
    expect(['bytes', 'ms', 'count', 'chars']).toContain(limit.unit);
    expect(limit.reason.length).toBeGreaterThan(15);
    expect(Object.isFrozen(limit)).toBe(true);
  });

  it('names the unit it carries', () => {
    for (const [name, { unit }] of rows) {
      for (const suffix of ['bytes', 'ms', 'chars'] as const) {
        if (name.endsWith(`_${suffix}`)) expect(unit, name).toBe(suffix);
      }
    }
  });

  it('fits together', () => {
    expect(LIMITS.max_object_bytes.value % LIMITS.chunk_bytes.value).toBe(0);
    expect(LIMITS.inline_object_bytes.value).toBeLessThan(LIMITS.chunk_bytes.value);
    expect(LIMITS.name_label_chars.value).toBeLessThan(LIMITS.name_chars.value);
    expect(LIMITS.stream_idle_timeout_ms.value).toBeLessThan(LIMITS.client_idle_timeout_ms.value);
    expect(LIMITS.client_idle_timeout_ms.value).toBeLessThan(LIMITS.stream_timeout_ms.value);
    expect(LIMITS.mailbox_visibility_min_ms.value).toBeLessThan(LIMITS.mailbox_visibility_max_ms.value);
    // A message of the largest payload, in base64, fits a JSON body.
    expect(Math.ceil(LIMITS.mailbox_payload_bytes.value / 3) * 4).toBeLessThan(LIMITS.json_body_bytes.value);
    // What one receive returns, in base64, fits a frame of 1 MiB.
    expect((LIMITS.mailbox_recv_bytes.value / 3) * 4).toBeLessThan(1024 * 1024);
  });
});
