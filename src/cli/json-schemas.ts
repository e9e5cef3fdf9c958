/** The documents that commands print with `--json`, for the reference page. */
export const JSON_SCHEMAS: Readonly<Record<string, { readonly command: string; readonly fields: string }>> = {
  'assay.check.v1': {
    command: 'assay check',
    fields:
      '`task` (`name`, `title`, `starts`, `hash`, `objective`, `patterns`), `machine` (a list of `state`: ok, warn or fail; `what`; `detail`; `remedy`), `trials` (outcome by starting point)',
  },
  'assay.status.v1': {
    command: 'assay status',
    fields:
      '`engine` (`status`: running, elsewhere, killed or none; `owner`), `running` (trials under way), then the summary: `campaign`, `task`, `activeMs`, `limits`, `experiments`, `verdicts`, `start`, `champion`, `comparison`, `noise`, `calibration`, `tests`, `stages` (`guard` among them), `perKeep`, `guards` (`reported`, `failed`, `batches`, `unguarded`), `retractions`, `sandbox`, `finished`',
  },
  'assay.results.v1': {
    command: 'assay results',
    fields:
      '`campaign`, `task`, `noise`, `champion`, `comparison`, `total`, `experiments` (`experiment`, `role`, `verdict`, `stage`, `failure`, `kind`, `operator`, `proposer`, `parent`, `statement`, `reason`, `candidate`, `runs`, `mean`, `n`, `screenGain`, `replicateGain`, `confirmGain`, `interval`, `p`, `eValue`, `eValueNeeded`, `testIndex`, `hiddenGain`, `shrunkenGain`, `gain`, `predicted`, `predictionHeld`, `seconds`, `filesChanged`, `linesAdded`, `linesRemoved`, `champion`, `batch`, `retracted`, `builtOn`, `proposedAt`, `concludedAt`); guards only with `--guards`',
  },
  'assay.contributions.v1': {
    command: 'assay results --contributions',
    fields:
      '`campaign`, `champion`, `contributions` (`experiment`, `statement`, `operator`, `gain`, `interval`, `carries` (`gain`, `interval`, `ablation`), `isPresentCompany`, `linesAdded`, `linesRemoved`, `gainPerLine`, `standing`: held, removed or under test)',
  },
  'assay.experiment.v1': {
    command: 'assay show',
    fields:
      'the fields of one experiment as above, and `proposal`, `reference`, `fullVerdict`, `files`, `trials` (one an attempt, with `seed`), `pairs`, `audits` (`change`, `trials`, `trialsAudited`, `looks`, `reproductions`, `guard`)',
  },
  'assay.why.v1': {
    command: 'assay why',
    fields:
      '`row`, `headline`, `rationale`, `stages` (`stage`, `asked`, `seen`, `outcome`, `result`), `reasons`, `fall`, `reproductions`, `prediction`, `profile` (`experiment`, `lines`), `quote`, `looks`, `sandbox`, `cost`, `trials`, `pairs`, `audits`',
  },
  'assay.diff.v1': {
    command: 'assay diff',
    fields: '`from`, `to`, `files`, `filesChanged`, `linesAdded`, `linesRemoved`, `patch`',
  },
  'assay.tree.v1': {
    command: 'assay tree',
    fields:
      '`champion`, `experiments` (`experiment`, `verdict`, `retracted`, `builtOn`, `parent`, `other`, `children`, `onPathToChampion`, `statement`)',
  },
  'assay.event.v1': { command: 'assay log', fields: '`seq`, `at`, `event`, `text`' },
  'assay.reproduce.v1': {
    command: 'assay reproduce',
    fields:
      '`experiment`, `outcome` (holds, does-not-hold, unclear), `pairs`, `gain`, `interval`, `p`, `isConsistent`, `rules` (`rule`, `holds`, `detail`), `reasons`, `trials` (`pair`, `arm`, `seed`, `status`, …), `candidate`, `reference`, `metric`, `integrity`, `device`, `sandbox`, `remarks`, `isRecorded`, `retracted`, `champion`',
  },
  'assay.profile.v1': {
    command: 'assay profile',
    fields:
      '`campaign`, `experiment`, `candidate`, `profile` (`device`, `steps`, `secondsPerStep`, `recordedSecondsPerStep`, `top` (`name`, `secondsPerStep`, `callsPerStep`, `share`), `idleShare`, `operationsPerStep`, `operationsCounted`, `mfu`, `matrixOperationsPerSecond`, `peakMemoryBytes`, `reservedMemoryBytes`), `lines`, `device`, `sandbox`, `isRecorded`; what the candidate says of itself',
  },
  'assay.audit.v1': {
    command: 'assay audit',
    fields:
      '`catalogue` (version by audit), `experiments` (`experiment`, `reports`, `before`, `fired`, `problem`, `trials`, `changeMs`, `numbersMs`, `trialSeconds`), `upToDate`, `isRecorded`, `champion`, `remarks`',
  },
  'assay.audit-list.v1': {
    command: 'assay audit --list',
    fields:
      '`catalogue` (hash), `audits` (`id`, `version`, `title`, `looksAt`, `runs`, `weight`, `cost`, `heartbeat`, `canaries`, `untestedBecause`, `against`)',
  },
  'assay.redteam.v1': {
    command: 'assay redteam',
    fields:
      '`campaign`, `rows` (`id`, `kind`, `verdict`: caught, noted, unnoticed, contained, got-through, passed, false-alarm or not-run, `experiment`, `candidate`, `classes`, `statement`, `expected`, `fired`, `detail`, `trials`, `seconds`, `gain`), `caught`, `noted`, `unnoticed`, `contained`, `gotThrough`, `falseAlarms` (`count`, `total`, `share`, `interval`), `medianSeconds`, `threshold`, `thresholdShare`, `evidence` (`id`, `folder`, `commit`, `command`)',
  },
  'assay.redteam-list.v1': {
    command: 'assay redteam --list',
    fields: '`task`, `attacks` (`id`, `kind`, `classes`, `expects`, `does`)',
  },
  'assay.hacks.v1': {
    command: 'assay hacks',
    fields:
      '`campaigns`, `unreadable`, `detection`, `noted`, `falseAlarms`, `versions` (`catalogue`, `assayVersions`, `campaigns`, `firstAt`, `lastAt`, `detection`, `noted`, `falseAlarms`), `cases` (`campaign`, `task`, `seq`, `at`, `source`, `outcome`, `experiment`, `id`, `classes`, `statement`, `proposer`, `candidate`, `expected`, `caughtBy`, `detail`, `batch`, `catalogue`, `assayVersion`, `trials`, `seconds`, `bestValue`)',
  },
  'assay.verify.v1': {
    command: 'assay verify',
    fields: '`contract`, `outcome`, `reasons`, `warnings`, `checks` (`name`, `asked`, `passed`, `numbers`)',
  },
  'assay.verify-public.v1': {
    command: 'assay verify --public',
    fields: '`asExpected`, `cases` (`name`, `title`, `source`, `expected`, `verification`)',
  },
  'assay.bundle.v1': {
    command: 'assay bundle',
    fields:
      '`name`, `task`, `campaign`, `file`, `bytes`, `unpackedBytes`, `sha256`, `parts` (unpacked bytes by folder)',
  },
  'assay.data.v1': {
    command: 'assay data',
    fields:
      '`benchmark`, `split` (`by`, `heldOut`, `hidden`), `documents`, `characters` and `tokens` by part, `leftOut` (`duplicates`, `notText`, `tooShort`), `vocabulary`, `shards`, `deviations`, `files` (SHA-256 by path)',
  },
  'assay.import.v1': {
    command: 'assay import',
    fields:
      '`campaign`, `folder`, `devices`, `sandboxes`, `assayVersion`, `machine` (`system`, `processor`, `cores`, `memoryBytes`, `gpus`, `node`), `events`, `candidates`, `remarks`',
  },
  'assay.outcome.v1': {
    command: 'assay export --whole',
    fields: '`out`, `campaign`, `devices`, `sandboxes`, `assayVersion`, `machine`, `files` (SHA-256 by path)',
  },
  'assay.export.v1': { command: 'assay export', fields: '`out`, `files`, `leftOut`' },
};
