import { SERVICES } from '@macronode/contracts';
import type { RuleClock } from './clock.ts';

/** Ops port of each service inside the network of compose. */
const OPS_PORT_BASE = 9_080;

/** The gateway of the profile `mesh`; without it the name is nobody's, and nothing is scraped. */
const SECOND = 'gateway-2';

/** The settings of the Prometheus in compose, for a clock; rule files lie beside them. */
export function prometheusConfig({ scrapeSeconds }: RuleClock): object {
  const interval = `${scrapeSeconds}s`;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ['slo.yml', 'causes.yml'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: ['alertmanager:9093'] }] }] },
    scrape_configs: [
      {
        job_name: 'macronode',
        // A micronode names the service of each series itself.
        honor_labels: true,
        // Names, so that `--scale gateway=2` is scraped without a change here.
        dns_sd_configs: SERVICES.map((service, index) => ({
          names: service === 'gateway' ? [service, SECOND] : [service],
          type: 'A',
          port: OPS_PORT_BASE + index,
          refresh_interval: '5s',
        })),
        relabel_configs: [{ source_labels: ['__meta_dns_name'], regex: '([a-z]+).*', target_label: 'service' }],
      },
      { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] },
      { job_name: 'alertmanager', static_configs: [{ targets: ['alertmanager:9093'] }] },
    ],
  };
}
