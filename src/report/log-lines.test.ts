import { expect, test } from 'vitest';
import { smallCampaign } from './demo-campaign.fixture.ts';
import { LogNarrator, progressLine } from './log-lines.ts';

test('every event has one line', async () => {
  const { records } = await smallCampaign();
  const narrator = new LogNarrator();
  const lines = records.map((record) => narrator.line(record));
  expect(lines.filter((line) => line === '' || line.includes('\n') || line.includes('undefined'))).toEqual([]);
  const text = lines.join('\n');
  expect(text).toContain(
    'campaign demo was created: minimize val_bpb of tiny-lm, at most 6 experiments or 600 minutes',
  );
  expect(text).toMatch(/t1 of e0 \(baseline, pair 1, candidate, seed \d+\): val_bpb 1\.\d+ in 2\d s/);
  expect(text).toContain('e3 failed (crash) at screen');
  expect(text).toMatch(/t\d+ of e4 .*suspected hack/);
  expect(text).toMatch(/the campaign is finished: .*e6 against the start/);
});

test('live progress is silent about trials that went well', async () => {
  const { records, state } = await smallCampaign();
  const lines = records.flatMap((record) => progressLine(record, state) ?? []);
  expect(lines.length).toBeLessThan(records.length / 3);
  expect(lines.some((line) => line.includes('new champion e6'))).toBe(true);
  expect(lines.some((line) => line.includes('failed (crash)'))).toBe(true);
  expect(records.flatMap((record) => progressLine(record, state, { verbose: true }) ?? [])).toHaveLength(
    records.length,
  );
});
