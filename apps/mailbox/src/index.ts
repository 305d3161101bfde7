import type { ServiceDefinition } from '@macronode/service';
import { storeDeclarations } from '@macronode/store';
import { mailboxConfig, type MailboxConfig } from './config.ts';
import { mailboxMetrics } from './metrics.ts';
import { MailboxModule } from './module.ts';

export const mailboxService: ServiceDefinition<MailboxConfig> = {
  name: 'mailbox',
  config: mailboxConfig,
  opsPort: 9084,
  module: MailboxModule,
  rejectReasons: ['bytes', 'commands', 'lock', 'mailbox_payload_bytes', 'store_bytes', 'topic_depth', 'waiters'],
  declarations: [...Object.values(mailboxMetrics), ...storeDeclarations],
};

export { mailboxMetrics } from './metrics.ts';
