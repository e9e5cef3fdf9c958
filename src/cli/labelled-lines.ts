import { printable, type Output } from './output.ts';
import { wrapText } from './text-width.ts';

/** `label   text`, the texts under each other; on a terminal wrapped at its width. */
export function labelled(
  lines: readonly (readonly [label: string, text: string])[],
  output: Pick<Output, 'width' | 'style'>,
): string {
  const widest = Math.max(0, ...lines.map(([label]) => label.length));
  const indent = ' '.repeat(widest + 2);
  return lines
    .map(([label, text]) => {
      const plain = printable(text);
      const body = output.width === undefined ? plain : wrapText(plain, Math.max(20, output.width - indent.length));
      return `${output.style('dim', label.padEnd(widest))}  ${body.replaceAll('\n', `\n${indent}`)}`;
    })
    .join('\n');
}
