import { METRICS, TAKES_NO_WRITES } from '../../declared.ts';
import { ask, highest, lowest, p99, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { golden, registry, state, store, streams } = METRICS;
const OF_REGISTRY = 'service="registry"';

/** 95th percentile of the steps of a commit, over five minutes. */
const stages = `histogram_quantile(0.95, sum by (stage, le) (rate(${registry.commitStage.name}_bucket[300s]))) >= 0`;

/** Whether the log can be believed. */
const beliefEntries: Readonly<Record<string, RunbookEntry>> = {
  RegistryAuditFailure: {
    meaning:
      'An entry or an audit record read from the disk is not the one that was written: a hash, a link, a signature or a quorum does not hold. It is never waived.',
    steps: [
      ask(
        'How many, and what.',
        `${recorded('registryAuditFailures')} > 0`,
        'One: a bad block. Many: the file was changed, or exchanged.',
      ),
      type(
        'Which version, and what of it.',
        'docker compose logs --since 24h registry',
        '`the log does not verify` with `version` and `fault`: `payload hash`, `entry hash`, `chain`, `approval`, `quorum`, or `seq` of the audit chain.',
      ),
      type(
        'Whether the log as others see it verifies, by code that shares nothing with the server.',
        'npx ronctl registry verify',
        'It names the first version that does not; all of them: suspect the memory of this machine.',
      ),
      ask(
        'Whether writes are shed already: they are, from the first failure on.',
        lowest(state.readyz, 'service, instance'),
        '1 for the registry: reads only.',
      ),
    ],
    mend: [
      'Stop the process and keep its disk as it is: it is the evidence. A replica or a backup has the same entries; compare them version by version.',
      'A bad block: restore the newest backup of `DATA_DIR`, leave `REGISTRY_LOCK_DIR` as it is, and start. A log that is older than its lock refuses to start, and goes on from a replica that has the rest.',
      'Changed on purpose: rotate the keys of the log and of the signers that could have done it, and publish what happened.',
    ],
  },
  RegistryCheckpointStale: {
    meaning:
      'The published checkpoint has not been signed for more than a minute. `REGISTRY_CHECKPOINT_INTERVAL_S` has an idle log sign it again twice in that time.',
    steps: [
      ask('How old it is, and where.', `max_over_time(${registry.checkpointAge.name}[300s])`, 'Seconds.'),
      ask(
        'Whether commits still go through: each signs one.',
        perSecond(registry.commits, 'instance, result'),
        '`committed` above 0 and a stale checkpoint cannot be: the clock of the machine was set back.',
      ),
      ask(
        'Whether the process has time for its timers.',
        recorded('eventLoopLag', OF_REGISTRY),
        'Seconds: it computes, see `EventLoopLag`.',
      ),
      type(
        'What readers are given.',
        'curl -s http://127.0.0.1:8080/registry/tlog/checkpoint',
        'The name of the log, its size and root, and who signed.',
      ),
    ],
    mend: [
      'The clock was set back: let it be slewed, not set; the next commit signs with the time of now.',
      'A busy process: lower the bounds of its routes (`REGISTRY_HEAD_INFLIGHT` and its siblings), move readers to a replica.',
      'Neither: start it again. It verifies what it has signed last and signs anew.',
    ],
  },
  RegistryQuorumMinority: {
    meaning: 'Half of the signers, or fewer, are enough to commit. It is a choice; this says that it was made.',
    steps: [
      ask(
        'How many signers there are.',
        highest(registry.signers, 'instance, algo'),
        'Against the quorum of the next step.',
      ),
      type(
        'Who they are and how many of them it takes.',
        'curl -s http://127.0.0.1:8080/registry/signers',
        '`m`, `k_pq` and `signers`.',
      ),
    ],
    mend: ['Rotate to a set with `m` above half of it: a version of kind `signers`, approved by both sets.'],
  },
};

/** Whether it is written in time, and what fills up. */
const writeEntries: Readonly<Record<string, RunbookEntry>> = {
  RegistryCommitSlow: {
    meaning:
      'One commit in twenty takes longer than 750 ms, for five minutes. It has to be mended: every governance tool waits for it.',
    steps: [
      ask('Commit p95.', recorded('registryCommit'), 'Above 0.75.'),
      ask(
        'Which step it is.',
        stages,
        '`append` or `lock`: the disk. `verify`: the processor. `wait`: more commits at once than one after another can be. `publish`: the bus.',
      ),
      ask(
        'How long the disk takes for one fsync.',
        p99(store.commitSeconds, 'service, instance', OF_REGISTRY),
        'A few ms. Hundreds: see `StoreCommitSlow`.',
      ),
      ask(
        'How long one signature takes to verify.',
        p99(registry.approvalVerify, 'algo'),
        'Above 0.007: the process shares its core.',
      ),
      ask(
        'How much processor it uses.',
        recorded('cpuCores', OF_REGISTRY),
        'Near 1: it is verify-bound; profile it with `npm run profile`.',
      ),
    ],
    mend: [
      'The disk: put `DATA_DIR` and `REGISTRY_LOCK_DIR` on a faster one, or one they do not share; move `REGISTRY_COMPACTION_WINDOW` to quiet hours.',
      'The processor: a core of its own; from five approvals on, verifying is most of a commit. Readers go to a replica.',
      'Too many at once: lower `REGISTRY_WRITE_INFLIGHT` and `REGISTRY_PROPOSE_RPS`; writers retry after `Retry-After`.',
      'What else costs: leave out heavy exporters and compression (docs/config.md) and measure again.',
    ],
  },
  RegistryWritesRefused: {
    meaning:
      'For a quarter of an hour writes have come to a log that takes none: it is frozen, has no signers, or is a replica. Reads go on.',
    steps: [
      ask(
        'Why.',
        perSecond(golden.rejected, 'instance, reason', TAKES_NO_WRITES),
        '`frozen`: an operator stopped it. `no_signers`: it was started without `REGISTRY_GENESIS`. `replica`: writers ask the wrong one.',
      ),
      type('Its state, and its signers.', 'curl -s http://127.0.0.1:8080/registry/signers', '`state`.'),
      type(
        'Who froze it, when and why.',
        'curl -s http://127.0.0.1:8080/registry/audit',
        'The last record of kind `freeze`: `actor` and `reason`.',
      ),
    ],
    mend: [
      '`frozen`: when its reason is gone, an active signer thaws it (`npx ronctl registry thaw`).',
      '`no_signers`: write a genesis (`npx ronctl registry keygen --genesis`) and start with `REGISTRY_GENESIS`.',
      '`replica`: give writers the address of the log it follows, the value of `REGISTRY_FOLLOW`.',
    ],
  },
  RegistryProposalsPiling: {
    meaning:
      'More than 48 proposals are open; 64 may be. Only one of them can continue the head, the others go stale with it: a governance storm, or a tool in a loop.',
    steps: [
      ask('How many.', highest(registry.pending, 'instance'), 'At 64 the next one is refused as `saturated`.'),
      type(
        'Who proposes.',
        'curl -s http://127.0.0.1:8080/registry/proposals',
        '`proposed_by` of each, and what its quorum lacks.',
      ),
      ask(
        'Whether anything is approved.',
        perSecond(registry.approvalVerified, 'algo, result'),
        '0: signers are away. `bad`: they sign something else.',
      ),
      ask(
        'Whether commits are lost to one another.',
        perSecond(registry.casFailed, 'instance'),
        'Above 0: several writers race for the same place.',
      ),
    ],
    mend: [
      'One signer in a loop: stop its tool; `REGISTRY_PROPOSE_RPS` is what one may do.',
      'Signers are away: nothing is lost. Proposals expire at their own `expires_at`, after 72 hours at most.',
      'Several writers: agree on one that proposes; each commit makes the other proposals stale, which empties the list.',
    ],
  },
  RegistryCommitsMany: {
    meaning:
      'More than ten versions a second for a quarter of an hour. Commits are one after another: the next step up is another design, not another setting.',
    steps: [
      ask('How many.', recorded('registryCommits'), 'A second.'),
      ask(
        'Of which kind.',
        perSecond(registry.updates, 'kind'),
        '`set` alone: descriptors that could share a version.',
      ),
      ask('How much room is left.', stages, '`wait` near 0: enough. Growing: writers queue.'),
    ],
    mend: [
      'Batch: one version holds up to 4,096 descriptors.',
      'Evaluate partitioned logs, by region or facet, each with its own writer, and signers in pools of their own.',
    ],
  },
  RegistryGrowing: {
    meaning: 'The storage of the log grows by more than ten gigabytes a day, and has for a quarter of an hour.',
    steps: [
      ask('How fast.', recorded('registryGrowth'), 'Bytes a second.'),
      ask('How large it is.', highest(registry.storageBytes, 'instance'), 'Bytes.'),
      ask(
        'Whether versions are committed as fast.',
        perSecond(registry.updates, 'kind'),
        'Growth over commits is the size of one. Near 0: something else grows.',
      ),
      ask(
        'Whether refusals are what is written.',
        perSecond(registry.auditAppended, 'instance'),
        'Far above the commits: somebody is refused again and again.',
      ),
      ask(
        'Whether compaction works.',
        perSecond(registry.compactions, 'result'),
        '`failed`: its error stands in the log of the process.',
      ),
    ],
    mend: [
      'Large payloads: put the content as an object and its id into the descriptor.',
      'Audit records: lower `REGISTRY_AUDIT_KEEP`, and find who is refused by `actor` in `/registry/audit`.',
      'Settled proposals: lower `REGISTRY_PROPOSAL_KEEP_H`; widen `REGISTRY_COMPACTION_WINDOW`.',
    ],
  },
  RegistryLarge: {
    meaning:
      'The versions of the log have more than 50,000 descriptors. Nothing is wrong; starts, restores and new replicas read all of it, and take longer from here on.',
    steps: [
      ask('How many.', highest(registry.descriptors, 'instance'), 'Descriptors.'),
      ask('In how many versions.', highest(registry.headVersion, 'instance'), 'Versions.'),
      ask(
        'How long one verification of all takes.',
        highest(registry.auditVerify, 'instance'),
        'Seconds, behind the requests.',
      ),
    ],
    mend: [
      'Evaluate partitioned logs by region or facet, and a successor: a version of kind `seal` names the log that goes on.',
      'Until then give it memory: hashes of all versions are kept in it.',
    ],
  },
};

/** Who follows it. */
const followerEntries: Readonly<Record<string, RunbookEntry>> = {
  RegistryStreamsLagging: {
    meaning:
      'Clients of `/registry/stream` lose events: they take them more slowly than commits come. They are told with `lag` and read the head.',
    steps: [
      ask('Where.', perSecond(streams.lagged, 'service, instance'), 'One instance, or all.'),
      ask(
        'How many clients it serves.',
        highest(streams.clients, 'service, instance'),
        'Against `REGISTRY_STREAM_CLIENTS`.',
      ),
      ask(
        'Whether clients hang altogether.',
        perSecond(streams.stalled, 'service, instance'),
        'Cut after half a minute without a byte.',
      ),
      ask(
        'Whether the process is late itself.',
        recorded('eventLoopLag', 'service=~"gateway|registry"'),
        'Above 0.1: it serves too many.',
      ),
    ],
    mend: [
      'The process is late: spread its clients over more gateways or replicas.',
      'Clients on slow lines: they need no mending, each event says the version and the head has the rest.',
      'A proxy that buffers: have it pass `text/event-stream` through.',
    ],
  },
  RegistryReplicaBehind: {
    meaning: 'A replica has been more than fifty versions behind the log it follows for two minutes.',
    steps: [
      ask(
        'How far.',
        highest(registry.replicaLag, 'instance'),
        'Falling: it catches up. Rising or still: it does not.',
      ),
      ask('Whether it has time for it.', recorded('cpuCores', OF_REGISTRY), 'Near 1: it verifies as fast as it can.'),
      type(
        'What it says.',
        'docker compose logs --tail 50 registry',
        'An address that does not answer, or the version it does not believe.',
      ),
    ],
    mend: [
      'It does not reach its log: mend the way to `REGISTRY_FOLLOW`; it goes on where it was.',
      'It does not believe a version: that is an incident of the log, see `RegistryAuditFailure`. Do not delete the replica: it has what was signed before.',
      'It is slow: verifying takes about half a millisecond an entry; give it a core.',
    ],
  },
  RegistryWitnessFailing: {
    meaning: 'More than half of the checkpoints sent to witnesses come back without a cosignature.',
    steps: [
      ask(
        'How.',
        perSecond(registry.cosignatures, 'instance, result'),
        '`failed`: no answer. `refused`: it does not take this log, or says that it knows a larger one than was ever signed here. `conflict` again and again: another root of the same size, or sizes that keep changing.',
      ),
      type(
        'Which cosignatures the checkpoint has.',
        'curl -s http://127.0.0.1:8080/registry/tlog/checkpoint',
        'A line for each, by the name of its key.',
      ),
    ],
    mend: [
      '`failed`: its address in `REGISTRY_WITNESSES`, or the witness is down; commits do not wait for it.',
      '`refused`: its operator has to add the verifier key of this log (`vkey` of `/registry/signers`).',
      '`refused` with a larger size, or `conflict` that stays: the witness has seen another log under this key, or it lies. Freeze the writes and compare its checkpoint with yours before you write on.',
    ],
  },
};

/** The log. */
export const registryEntries: Readonly<Record<string, RunbookEntry>> = {
  ...beliefEntries,
  ...writeEntries,
  ...followerEntries,
};
