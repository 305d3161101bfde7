import { METRICS } from '../../declared.ts';
import { ask, highest, inTheLastHour, lowest, p99, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { index, mailbox, storage, store } = METRICS;

/** The stores and the disk beneath them. */
const storeEntries: Readonly<Record<string, RunbookEntry>> = {
  StoreFailed: {
    meaning:
      'A write or an fsync failed at the medium. After that nobody knows what the disk holds, so the store takes no write until a new process has read it again.',
    steps: [
      ask(
        'Which store.',
        highest(store.fatal, 'service, instance'),
        '1 for storage, index, mailbox or registry. A mailbox is unready with it, the others serve reads.',
      ),
      ask(
        'What was lost to its callers.',
        perSecond(store.commands, 'service, result', 'result="failed"'),
        'Commands nobody acknowledged.',
      ),
      type(
        'What the disk said.',
        'docker compose logs --tail 100 storage',
        '`EIO`, `EROFS` or a damaged file. The kernel says the same in `dmesg`.',
      ),
      type(
        'Whether the volume is there and writable.',
        'docker compose exec storage df -h /data',
        'Its size and free space; an error is the diagnosis.',
      ),
    ],
    mend: [
      '`EROFS`: the file system was remounted read-only after errors; check it, mount it again, then `docker compose restart storage`.',
      '`EIO`: replace the disk; start on a copy of `DATA_DIR` elsewhere. The start verifies what it reads.',
      'Do not restart on a disk you do not trust: only that start decides what is kept.',
    ],
  },
  StoreCommitSlow: {
    meaning:
      'One write in twenty waits a quarter of a second for its fsync. Commands share one, so all writes of that service are late.',
    steps: [
      ask('Which store.', recorded('storeCommit'), 'Above 0.25.'),
      ask(
        'Whether batches are large or the disk slow.',
        `sum by (service) (rate(${store.batchCommands.name}_sum[300s])) / (sum by (service) (rate(${store.batchCommands.name}_count[300s])) > 0)`,
        'Near 1,000: load. Near 1 with slow commits: the disk.',
      ),
      ask(
        'Whether every store on the disk is slow.',
        p99(store.commitSeconds, 'service'),
        'All of them: the disk. One: its own volume.',
      ),
    ],
    mend: [
      'The disk: find who else writes (Redis rewriting its append-only file, a backup) and move them apart.',
      'A network volume: an fsync there costs its round trip; `DATA_DIR` belongs on a local disk.',
      'Load: senders batch their messages; up to 256 share one request.',
    ],
  },
  StoreQueueLong: {
    meaning:
      'More than a full batch of commands waits behind the one being written. At its bound the store refuses as `busy`.',
    steps: [
      ask('Which store.', recorded('storeQueue'), 'Above 1,000 commands.'),
      ask(
        'Whether it refuses already.',
        perSecond(store.commands, 'service, result', 'result="busy"'),
        'Above 0: callers see `busy`.',
      ),
      ask(
        'How many it writes.',
        perSecond(store.commands, 'service', 'result="ok"'),
        'As many as ever: more is asked. Fewer: its commits are slow.',
      ),
    ],
    mend: [
      'Commits are slow: see `StoreCommitSlow`.',
      'More is asked: `GATEWAY_INFLIGHT` bounds how many writers there are at once.',
      '`lock` in the refusals: a second process or a backup tool holds the write lock of the file; end it.',
    ],
  },
  IntegrityFailure: {
    meaning:
      'Stored bytes no longer hash to their id, or a record no longer matches its tag. They are set aside and never served; their readers get `integrity`.',
    steps: [
      ask(
        'Objects: found where.',
        inTheLastHour(storage.integrityFail, 'service, instance, where'),
        '`chunk` or `inline`: bytes changed. `missing`: a file is gone. `startup`: found when it started.',
      ),
      ask('Names.', inTheLastHour(index.integrityFail, 'service, instance'), 'Records of the index.'),
      type(
        'Which object, by the `corr_id` of its reader.',
        'docker compose logs --since 1h storage',
        '`request failed` with code `integrity`, and what was found.',
      ),
      type(
        'What was set aside, and when.',
        'docker compose exec storage ls -ltr /data/storage/quarantine',
        'Files named after their ids. A single one: one bad block. Many of the last hour: the disk or the memory; `dmesg` of the host says which.',
      ),
    ],
    mend: [
      'One object: put the same bytes again (`npx ronctl put FILE`); they have the same id.',
      'Several within an hour: take the node out of service and copy `DATA_DIR` from a backup; the disk or its memory is failing.',
      '`missing`: somebody removes files; nobody but storage may touch its folder.',
      'A name: publish it again with a higher sequence number.',
    ],
  },
  DiskNearlyFull: {
    meaning:
      'Storage may write less than 1 GiB more. Below `STORAGE_MIN_FREE_BYTES` it refuses uploads with 507; reads go on.',
    steps: [
      ask('How much is left.', recorded('diskFree'), 'Bytes.'),
      ask(
        'How long it lasts.',
        `${lowest(storage.diskFree, 'service, instance')} / (sum by (service, instance) (rate(${storage.bytesIn.name}[3600s])) > 0)`,
        'Seconds at the rate of the last hour. No answer: nothing is written, somebody else fills it.',
      ),
      ask(
        'Whether it refuses already.',
        perSecond(storage.refused, 'service, reason', 'reason="no_space"'),
        'Above 0: users see `no_space`.',
      ),
      type('What fills it.', 'docker system df --verbose', 'Volumes, logs, images.'),
    ],
    mend: [
      'Others fill it: remove what they keep; uploads are taken again without a restart.',
      'Objects fill it: enlarge the volume of `DATA_DIR`. Objects are not removed by the node.',
      'Without `DATA_DIR` the bound is `STORAGE_MEMORY_BYTES`: it is full of what it holds until it restarts empty.',
    ],
  },
};

/** The mailbox. */
const mailboxEntries: Readonly<Record<string, RunbookEntry>> = {
  MailboxStalled: {
    meaning: 'A message has waited five minutes for a receiver. Its topic has senders and nobody receives.',
    steps: [
      ask('How long.', recorded('mailboxOldestReady'), 'Seconds; it rises by one a second while nobody receives.'),
      ask(
        'Whether anybody receives at all.',
        perSecond(mailbox.delivered, 'service'),
        '0: no receiver of any topic. Above 0: single topics.',
      ),
      ask(
        'Whether receivers wait, on other topics.',
        highest(mailbox.waiters, 'service'),
        'Above 0: they are connected, but to another topic.',
      ),
      ask('How much waits.', highest(mailbox.queueDepth, 'service, queue'), '`ready` rises, `inflight` is 0.'),
      type(
        'Whether a message comes when asked for. The lease of 250 ms gives it back at once, one of its attempts spent.',
        'npx ronctl mailbox recv jobs --visibility 250',
        'A message: the mailbox works, its receivers do not.',
      ),
    ],
    mend: [
      'Receivers are down: start them; messages wait for `MAILBOX_RETENTION_H` hours and are then dropped and counted.',
      'Receivers ask another topic: topics are names without a registry, a misspelt one is a new one.',
      'Topic is of no use any more: receive and acknowledge what is in it; retention does it otherwise.',
    ],
  },
  MailboxDeadLetters: {
    meaning:
      'Messages were delivered `MAILBOX_MAX_ATTEMPTS` times and never acknowledged. They are kept apart for `MAILBOX_DLQ_RETENTION_H` hours.',
    steps: [
      ask(
        'How many.',
        perSecond(mailbox.dead, 'service, reason'),
        'Single ones: poison. As many as are delivered: receivers never acknowledge.',
      ),
      ask(
        'Whether anything is acknowledged.',
        perSecond(mailbox.acked, 'service'),
        '0: receivers take and do not acknowledge.',
      ),
      ask(
        'Whether acknowledgements are refused.',
        perSecond(mailbox.ackRefused, 'service, reason'),
        '`receipt_stale`: they come after the lease ended.',
      ),
      ask('How many are kept.', highest(mailbox.queueDepth, 'service, queue'), '`dead`.'),
    ],
    mend: [
      'Poison: the receiver fails on that payload; mend it there and have the sender send it again with a new idempotency key.',
      'Late acknowledgements: see `MailboxLeasesExpire`.',
    ],
  },
  MailboxLeasesExpire: {
    meaning:
      'More than one lease in twenty ends without an acknowledgement. Messages come again, in another order and late.',
    steps: [
      ask('How many.', recorded('mailboxExpiredLeases'), 'Above 0.05.'),
      ask(
        'Whether receivers are late or gone.',
        perSecond(mailbox.ackRefused, 'service, reason'),
        '`receipt_stale` as often: late. 0: gone.',
      ),
      ask(
        'How many come again.',
        perSecond(mailbox.redelivered, 'service'),
        'Each costs an attempt of `MAILBOX_MAX_ATTEMPTS`.',
      ),
    ],
    mend: [
      'Late: receivers ask for a longer `visibility_ms`, or take fewer messages per request.',
      'Gone: they die while they work; look at them, not at the mailbox.',
      'Late because the mailbox is slow to acknowledge: `mailbox_commit_latency_seconds`, then `StoreCommitSlow`.',
    ],
  },
  MailboxSweepFailing: {
    meaning:
      'The pass that ends leases and drops old messages fails. Messages whose receiver died are not delivered again.',
    steps: [
      ask(
        'How often.',
        perSecond(mailbox.sweepFailures, 'service, instance'),
        'Four a second: every pass (`MAILBOX_SWEEP_INTERVAL_MS`).',
      ),
      ask(
        'Whether its store is the reason.',
        highest(store.fatal, 'service, instance'),
        '1 for the mailbox: the store failed.',
      ),
      ask(
        'Whether its store is only busy.',
        perSecond(store.commands, 'service, result', 'service="mailbox"'),
        '`busy` above 0: passes wait behind sends.',
      ),
      type('The error itself.', 'docker compose logs --tail 20 mailbox', '`a sweep failed` with its error.'),
    ],
    mend: [
      'Failed: see `StoreFailed`.',
      'Busy: fewer rows per pass (`MAILBOX_SWEEP_ROWS`), then see `StoreQueueLong`.',
    ],
  },
};

/** What is kept: the stores, the disk, the objects and the messages. */
export const dataEntries: Readonly<Record<string, RunbookEntry>> = { ...storeEntries, ...mailboxEntries };
