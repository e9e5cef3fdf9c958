import type { AuditReport } from '../../domain/audit.ts';
import { counted, listed, textOf, type ChangeInput } from './change-input.ts';
import { skeletonOf } from './look-alikes.ts';
import { report } from './report.ts';

/** Phrases after folding: small letters, no look-alikes, no marks of comments, single spaces. `said` is what it tries. */
const PHRASES: readonly { readonly pattern: RegExp; readonly said: string }[] = [
  {
    pattern:
      /\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instructions?|prompts?|rules|guidelines|directions|above|previous|prior|earlier)\b/,
    said: 'tells a reader to ignore what it was told',
  },
  { pattern: /\b(?:new|updated|real|actual|system) (?:instructions?|prompt)\b/, said: 'gives instructions' },
  {
    pattern:
      /\b(?:this|the) (?:candidate|code|change|submission|solution|kernel|patch|file|program|implementation|diff) (?:is|was|has been|should be|must be) (?:\w+ ){0,3}?(?:safe|legitimate|legit|honest|approved|comparable|verified|audited|trusted|certified|reviewed|harmless|benign|compliant)\b/,
    said: 'says of itself that it is honest',
  },
  {
    pattern:
      /\b(?:note|message|attention|dear|hello|hey|hi|memo) (?:to |for )?(?:the |all |any )?(?:reviewers?|judges?|graders?|models?|evaluators?|auditors?|llms?|ais?|assistants?)\b/,
    said: 'speaks to a reviewer',
  },
  {
    pattern:
      /\b(?:if you are|as|you are|act as|pretend to be) (?:an? |the )?(?:ai|llm|language model|reviewer|judge|grader|evaluator|assistant|auditor)\b/,
    said: 'speaks to a model',
  },
  {
    pattern: /\b(?:already|previously|pre)[ -]?(?:reviewed|approved|audited|verified|cleared|authori[sz]ed)\b/,
    said: 'says that it was approved',
  },
  {
    pattern:
      /\b(?:mark|rate|score|classify|label|report|judge|grade|treat|consider) (?:this|it|the (?:code|change|candidate|submission|patch))(?: \w+){0,4} (?:passed|pass|safe|comparable|honest|correct|valid|clean|ok|highest|10)\b/,
    said: 'asks for a verdict',
  },
  {
    pattern:
      /\b(?:do not|don't|never) (?:flag|report|reject|mention|refuse|penali[sz]e|audit|inspect|review|question)\b/,
    said: 'asks not to be reported',
  },
  {
    pattern:
      /\b(?:respond|answer|reply|output|return) (?:only |just |simply )?(?:with|by) .{0,40}(?:json|comparable|safe|"?yes\b|true|pass)/,
    said: 'dictates an answer',
  },
  {
    pattern:
      /<\|?\/?(?:im[_ ]start|im[_ ]end|system|assistant|endoftext|instructions?|user)\|?>|\[\/?inst\]|<<\/?sys>>/,
    said: 'holds marks of a chat',
  },
  { pattern: /(?:^|[\s"'])(?:system|assistant|human) ?: ?\w+ \w+ \w+/, said: 'imitates a chat' },
  {
    pattern: /\b(?:end|begin|start) of (?:the )?(?:untrusted|candidate|user|code|file|prompt|input|context|review)\b/,
    said: 'imitates the edge of what is shown',
  },
  { pattern: /\b(?:jailbreak|prompt injection|reward hack\w*)\b/, said: 'has the words of attacks in it' },
];

/** Characters that hide text from a reader, or order it differently. */
const HIDDEN =
  /[\u200B-\u200F\u202A-\u202E\u2060-\u2069\u206A-\u206F\uFEFF\u{E0000}-\u{E007F}\u00AD\u180E\u{1D173}-\u{1D17A}]/gu;
/** Characters of a file that are looked at. */
const LARGEST = 2_000_000;

/** Phrases that the change brings in, in comments, texts and names alike. */
export function auditModelText({ changes }: ChangeInput): AuditReport {
  const found: string[] = [];
  let characters = 0;
  const before = changes.map((change) => fold(textOf(change.before) ?? '')).join('\n');
  for (const change of changes) {
    const text = (textOf(change.after) ?? '').slice(0, LARGEST);
    characters += text.length;
    const folded = fold(text);
    for (const { pattern, said } of PHRASES) {
      for (const match of folded.matchAll(new RegExp(pattern, 'g'))) {
        if (before.includes(match[0])) continue;
        found.push(`${change.path} ${said}: “${match[0].slice(0, 60)}”`);
        break;
      }
    }
    const hidden = (text.replace(/^\uFEFF/, '').match(HIDDEN) ?? []).length;
    const wasHidden = (
      textOf(change.before)
        ?.replace(/^\uFEFF/, '')
        .match(HIDDEN) ?? []
    ).length;
    if (hidden > wasHidden) found.push(`${change.path} has ${counted(hidden, 'character')} that hide text`);
  }
  const counts = `${counted(changes.length, 'file')}, ${counted(characters, 'character')}`;
  return found.length > 0
    ? report('model-text', 'noted', listed([...found, counts]))
    : report('model-text', 'passed', `${counts}: nothing that speaks to a reader of its own`);
}

/** One line of words: what stands in several lines of comments is read as one. */
function fold(text: string): string {
  return skeletonOf(text)
    .replace(/[_#*]|\/\/|"""|'''|\\n|-{2,}|={2,}/g, ' ')
    .replace(/\s+/g, ' ');
}
