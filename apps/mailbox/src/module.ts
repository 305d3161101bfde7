import { join } from 'node:path';
import { SUBJECTS } from '@macronode/contracts';
import { echoController, type ServiceDeps } from '@macronode/service';
import { type DynamicModule, Module } from '@nestjs/common';
import { MailboxBusController } from './bus.controller.ts';
import { systemClock } from './clock.ts';
import type { MailboxConfig } from './config.ts';
import { MailboxService, type MailboxSettings } from './mailbox.service.ts';
import { mailboxMetrics } from './metrics.ts';
import { SqliteMessageStore } from './sqlite-message.store.ts';
import { Sweeper } from './sweeper.ts';

const HOUR_MS = 3_600_000;
const MIB = 1_048_576;

const settingsOf = (config: MailboxConfig): MailboxSettings => ({
  topicDepth: config.topicDepth,
  storeBytes: config.storeMib * MIB,
  maxAttempts: config.maxAttempts,
  dedupWindowMs: config.dedupWindowMs,
  retentionMs: config.retentionHours * HOUR_MS,
  deadRetentionMs: config.deadRetentionHours * HOUR_MS,
  maxWaiters: config.maxWaiters,
  sweepLimit: config.sweepRows,
});

@Module({})
export class MailboxModule {
  static async register(deps: ServiceDeps<MailboxConfig>): Promise<DynamicModule> {
    const { config, dataDir, readiness, log } = deps;
    const metrics = deps.metrics.bind(mailboxMetrics);
    const location = dataDir === undefined ? 'memory' : { file: join(dataDir, 'mailbox.db') };
    const store = await SqliteMessageStore.open({ location, metrics: deps.metrics });
    deps.onClose('store', () => store.close());
    const messages = new MailboxService({ store, metrics, clock: systemClock, settings: settingsOf(config) });
    deps.metrics.occupied(() => [messages.occupancy()]);
    const sweeper = new Sweeper({
      sweep: () => messages.sweep(),
      intervalMs: config.sweepIntervalMs,
      now: () => systemClock.monotonicMs(),
      onFailure: (error) => {
        metrics.sweepFailures.inc();
        log.error({ err: error }, 'a sweep failed');
      },
    });
    sweeper.start();
    deps.onClose('sweeper', () => sweeper.stop());
    // Polls are answered before the bus waits for its handlers: a drain does not last as long as the longest poll.
    deps.onClose(
      'drain watch',
      readiness.onChange(({ missing }) => {
        if (missing.includes('draining')) messages.dismiss();
      }),
    );
    readiness.check('store', () => store.writable, { gates: 'ready' });
    readiness.check('sweeper', () => sweeper.alive, { gates: 'ready' });
    log.info(store.census(), 'messages are open');
    return {
      module: MailboxModule,
      controllers: [MailboxBusController, echoController(SUBJECTS.mailbox.echo)],
      providers: [{ provide: MailboxService, useValue: messages }],
    };
  }
}
