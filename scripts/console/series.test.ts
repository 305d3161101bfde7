import { PANELS } from '@macronode/console';
import { expect, it } from 'vitest';
import { DECLARED } from '../../grafana/declared.ts';

const readings = PANELS.flatMap((panel) => panel.readings);

// The console stands below the services, so it names their series by text: here the two are held together.
it.each(readings)('the console reads $metric as it is declared', ({ metric, by, except = {} }) => {
  const declared = DECLARED.get(metric) ?? DECLARED.get(metric.replace(/_(bucket|count)$/, ''));
  expect(declared, metric).toBeDefined();
  const labels = declared?.labels ?? {};
  if (by === 'le') expect(declared?.type).toBe('histogram');
  else if (by !== undefined) expect(Object.keys(labels)).toContain(by);
  for (const [label, value] of Object.entries(except)) expect(labels[label]).toContain(value);
});
