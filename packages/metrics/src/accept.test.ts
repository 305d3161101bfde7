import { describe, expect, it } from 'vitest';
import { expositionFor } from './accept.ts';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

describe('the format of a scrape', () => {
  const cases: [string, string | undefined, 'classic' | 'openmetrics'][] = [
    [
      'Prometheus 3',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'Prometheus 3 with native histograms',
      `${PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
      'openmetrics',
    ],
    [
      'Prometheus 2.49 and later',
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    [
      'Prometheus 2.34',
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'Prometheus 2.5',
      'application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'classic',
    ],
    ['Prometheus 2.0', 'text/plain;version=0.0.4;q=1,*/*;q=0.1', 'classic'],
    [
      'Prometheus told to scrape text first',
      'text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.1',
      'classic',
    ],
    ['only protobuf', PROTOBUF, 'classic'],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'classic'],
    ['curl', '*/*', 'classic'],
    ['no header', undefined, 'classic'],
    ['an empty one', '', 'classic'],
    ['OpenMetrics, no version', 'application/openmetrics-text', 'openmetrics'],
    [
      'OpenMetrics, spaced, quoted, in capitals',
      ' Application/OpenMetrics-Text ; Version="1.0.0" ; Q=1 ',
      'openmetrics',
    ],
    ['OpenMetrics refused', 'application/openmetrics-text;q=0,text/plain;q=0', 'classic'],
    ['OpenMetrics of a version to come', 'application/openmetrics-text;version=2.0.0', 'classic'],
    ['OpenMetrics rather than anything', '*/*;q=0.2,application/openmetrics-text;q=0.3', 'openmetrics'],
    ['anything rather than OpenMetrics', 'application/openmetrics-text;q=0.1,*/*;q=0.2', 'classic'],
    [
      'the specific range decides over the wide one',
      'application/openmetrics-text;q=0.5,text/plain;q=0.1,*/*',
      'openmetrics',
    ],
    ['both alike', 'text/plain,application/openmetrics-text', 'openmetrics'],
    ['a quality that is none', 'application/openmetrics-text;q=high,text/plain;q=0.1', 'classic'],
    ['noise', ';;,,=;q', 'classic'],
  ];
  it.each(cases)('%s', (_, accept, format) => {
    expect(expositionFor(accept)).toBe(format);
  });
});
