import { expect, test } from 'vitest';
import { inMemoryStore } from '../../store/memory/memory-store.ts';
import type { SimulatedCampaign } from '../campaign.fixture.ts';
import { simulateCampaign } from '../campaign.fixture.ts';
import { demoIdeas, smallCampaign } from '../demo-campaign.fixture.ts';
import { escapeHtml, html } from './escape.ts';
import { renderReport } from './page.ts';
import { collectReport, type ReportInput } from './report-data.ts';
import { niceTicks } from './scale.ts';

const HOSTILE = `</title></svg><script>alert(1)</script>"><img src=x onerror='alert(2)'>&amp;\u202e\u0000`;

/** Words with one space between, as a browser shows them. */
function wordsOf(page: string): string {
  return page.replaceAll(/\s+/g, ' ');
}

async function report(campaign: SimulatedCampaign, repository?: ReportInput['repository']): Promise<string> {
  const store = inMemoryStore();
  await store.append(campaign.events);
  return renderReport(
    await collectReport({ state: campaign.state, store, now: 0, ...(repository ? { repository } : {}) }),
  );
}

/** Throws where a tag is not closed or closes another. */
function tagsOf(page: string): readonly string[] {
  const open: string[] = [];
  const names: string[] = [];
  const body = page.replace(/<style>[^<]*<\/style>/, '');
  for (const [whole, slash, name = '', selfClosing] of body.matchAll(
    /<(\/?)([!a-zA-Z][a-zA-Z0-9]*)(?:[^<>"]|"[^"]*")*?(\/?)>/g,
  )) {
    names.push(name);
    if (name.startsWith('!') || name === 'meta' || selfClosing === '/') continue;
    if (slash === '') open.push(name);
    else expect({ whole, name }).toEqual({ whole, name: open.pop() });
  }
  expect(open).toEqual([]);
  expect(body.replaceAll(/<(?:[^<>"]|"[^"]*")*>/g, '')).not.toMatch(/[<>]/);
  return names;
}

test('a hostile task and hostile hypotheses stay text', async () => {
  const campaign = await smallCampaign({
    ideas: [
      { statement: HOSTILE, effect: 0.02, predicted: [0, 0.03] },
      { statement: HOSTILE, effect: 0, fails: 'crash' },
    ],
    task: { name: HOSTILE, metric: HOSTILE, unit: HOSTILE },
  });
  const page = await report(campaign, {
    exportPatch: async () => Buffer.from(`+${HOSTILE}\n-${HOSTILE}\n@@${HOSTILE}\n ${HOSTILE}\n`),
  });
  const tags = tagsOf(page);
  expect(tags).not.toContain('script');
  expect(tags).not.toContain('img');
  expect(page).not.toContain('\u0000');
  expect(page).not.toContain('\u202e');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('&amp;amp;');
});

test('the page needs nothing else: no script, no request', async () => {
  const page = await report(await smallCampaign());
  tagsOf(page);
  expect(page).not.toMatch(/<script|<link|<iframe|src=|url\(|@import|https?:\/\//);
  expect(page).toContain("default-src 'none'");
});

test('it says what was found, and how surely', async () => {
  const campaign = await smallCampaign();
  const page = wordsOf(await report(campaign));
  expect(page).toContain('The champion e6 reaches val_bpb');
  expect(page).toContain('6 pairs');
  expect(page).toContain('95 % interval');
  expect(page).toMatch(/1 of 3 intervals \(33 %\)/);
  expect(page).toContain('Kept (2)');
  expect(page).toContain('failed: conflict');
  expect(page).toContain('git apply evidence/champion.patch');
  // A mark in two progress charts and one of predictions, each drawn wide and narrow.
  expect(page.match(/<title>e6 keep/g)).toHaveLength(6);
});

test('a change is shown line by line, without the hashes of its files', async () => {
  const patch = 'diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x = 1\n+x = 2\n unchanged\n';
  const page = await report(await smallCampaign(), { exportPatch: async () => Buffer.from(patch) });
  expect(page).toContain('<span class="del">-x = 1\n</span><span class="add">+x = 2\n</span> unchanged\n');
  expect(page).toContain('--- a/a\n+++ b/a\n<span class="hunk">');
  expect(page).not.toContain('index 1..2');
});

test('an unfinished campaign is called an estimate, and a weak sandbox is pointed out', async () => {
  const page = await report(await smallCampaign({ unfinished: true, sandbox: 'process' }));
  tagsOf(page);
  expect(wordsOf(page)).toContain('This is an estimate');
  expect(wordsOf(page)).toContain('Weak confinement');
});

test('a campaign in which nothing has happened yet, or nothing was gained, has a page too', async () => {
  const nothing = await simulateCampaign({ ideas: [{ statement: 'worse', effect: -1 }] });
  const page = await report(nothing);
  tagsOf(page);
  expect(wordsOf(page)).toContain('Nothing has beaten the starting point');
  expect(page).not.toContain('NaN');
  const { records, events } = nothing;
  const store = inMemoryStore();
  await store.append(events.slice(0, 2));
  const { applyEvent } = await import('../../domain/reduce.ts');
  const { initialState } = await import('../../domain/working-state.ts');
  const [created] = records;
  if (created?.event.type !== 'campaign.created') throw new Error('a campaign begins with campaign.created');
  const state = initialState(created.event, created.at);
  for (const record of records.slice(0, 2)) applyEvent(state, record);
  const empty = renderReport(await collectReport({ state, store, now: 0 }));
  tagsOf(empty);
  expect(empty).not.toContain('NaN');
});

test('maximizing, constants and a large campaign give finite drawings', async () => {
  for (const simulation of [
    { direction: 'maximize', start: 0.5 },
    { noise: 1e-12, start: 3 },
  ] as const) {
    const page = await report(await simulateCampaign({ ideas: demoIdeas(20), ...simulation }));
    tagsOf(page);
    expect(page).not.toMatch(/NaN|Infinity/);
  }
});

test('a champion of very many steps has a chart of bounded size', async () => {
  const ideas = Array.from({ length: 40 }, (_, index) => ({ statement: `step ${index}`, effect: 0.05 }));
  const page = await report(await simulateCampaign({ ideas, start: 3 }));
  tagsOf(page);
  expect(page).toContain('10 smaller steps');
});

test('templates escape what they are given', () => {
  expect(html`<p title="${'"'}">${['<', html`<b></b>`]}${undefined}${false}</p>`.text).toBe(
    '<p title="&quot;">&lt;<b></b></p>',
  );
  expect(escapeHtml("'")).toBe('&#39;');
});

test('ticks are round and inside', () => {
  expect(niceTicks(1.19, 1.26, 6)).toEqual({ values: [1.2, 1.22, 1.24, 1.26], decimals: 2 });
  expect(niceTicks(-0.4, 0.4, 4).values).toEqual([-0.4, -0.2, 0, 0.2, 0.4]);
  expect(niceTicks(5, 5, 4).values).toEqual([5]);
});
