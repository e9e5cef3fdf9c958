/** The documents that commands print with `--json`, for the reference page. */
export const JSON_SCHEMAS: Readonly<Record<string, { readonly command: string; readonly fields: string }>> = {
  'assay.status.v1': {
    command: 'assay status',
    fields:
      '`engine` (`status`: running, elsewhere, killed or none; `owner`), `running` (trials under way), then the summary: `campaign`, `task`, `activeMs`, `limits`, `experiments`, `verdicts`, `start`, `champion`, `comparison`, `noise`, `calibration`, `tests`, `stages`, `sandbox`, `finished`',
  },
  'assay.results.v1': {
    command: 'assay results',
    fields:
      '`campaign`, `task`, `noise`, `champion`, `comparison`, `total`, `experiments` (`experiment`, `role`, `verdict`, `stage`, `failure`, `kind`, `operator`, `proposer`, `parent`, `statement`, `reason`, `candidate`, `runs`, `mean`, `n`, `screenGain`, `replicateGain`, `confirmGain`, `interval`, `p`, `eValue`, `eValueNeeded`, `testIndex`, `hiddenGain`, `shrunkenGain`, `gain`, `predicted`, `predictionHeld`, `seconds`, `filesChanged`, `linesAdded`, `linesRemoved`, `champion`, `proposedAt`, `concludedAt`)',
  },
  'assay.experiment.v1': {
    command: 'assay show',
    fields:
      'the fields of one experiment as above, and `proposal`, `reference`, `fullVerdict`, `files`, `trials` (one an attempt, with `seed`), `pairs`',
  },
  'assay.why.v1': {
    command: 'assay why',
    fields:
      '`row`, `headline`, `rationale`, `stages` (`stage`, `asked`, `seen`, `outcome`, `result`), `reasons`, `prediction`, `quote`, `looks`, `sandbox`, `cost`, `trials`, `pairs`',
  },
  'assay.diff.v1': {
    command: 'assay diff',
    fields: '`from`, `to`, `files`, `filesChanged`, `linesAdded`, `linesRemoved`, `patch`',
  },
  'assay.tree.v1': {
    command: 'assay tree',
    fields:
      '`champion`, `experiments` (`experiment`, `verdict`, `parent`, `other`, `children`, `onPathToChampion`, `statement`)',
  },
  'assay.event.v1': { command: 'assay log', fields: '`seq`, `at`, `event`, `text`' },
  'assay.verify.v1': {
    command: 'assay verify',
    fields: '`contract`, `outcome`, `reasons`, `warnings`, `checks` (`name`, `asked`, `passed`, `numbers`)',
  },
  'assay.verify-public.v1': {
    command: 'assay verify --public',
    fields: '`asExpected`, `cases` (`name`, `title`, `source`, `expected`, `verification`)',
  },
  'assay.export.v1': { command: 'assay export', fields: '`out`, `files`, `leftOut`' },
};
