import path from 'node:path';
import type { Command } from 'commander';
import { Option, InvalidArgumentError } from 'commander';
import { UserError } from '../errors.ts';
import { directoryOf, examples, positiveWholeNumber, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

interface Options {
  readonly text: readonly string[];
  readonly out: string;
  readonly heldOut: number;
  readonly hidden: number;
  readonly tokenizerCharacters?: number;
  readonly track?: string;
  readonly gpt2?: string;
  readonly python?: string;
}

/** `assay data`: own text in the file formats of a benchmark. */
export function registerData(program: Command): void {
  withJson(program.command('data').description("make a benchmark's data from text of your own, without a network"))
    .argument('<benchmark>', 'autoresearch (shards, tokenizer, byte table) or speedrun (.bin shards)')
    .requiredOption('--text <paths...>', 'files and folders; a file in UTF-8 is a document')
    .requiredOption('--out <folder>', 'where to; it must not exist')
    .option('--held-out <share>', 'share of the documents for the validation shard', share, 0.05)
    .option('--hidden <share>', 'share for the second, hidden one', share, 0.05)
    .option('--tokenizer-characters <n>', 'autoresearch: train the tokenizer on no more than this', positiveWholeNumber)
    .addOption(new Option('--track <n>', 'speedrun: for track 1 (9 shards) or 3 (20 shards)').choices(['1', '3']))
    .option('--gpt2 <folder>', "speedrun: where GPT-2's vocab.bpe lies (default: where tiktoken keeps it)")
    .option('--python <path>', 'interpreter (default: $ASSAY_PYTHON, python3); autoresearch needs torch in it')
    .addHelpText(
      'after',
      `${examples([
        ['assay data autoresearch --text /usr/src/linux-source-6.1 --out linux-data', '1.3 GB of C and documentation'],
        ['assay data speedrun --track 3 --text notes book.txt --out data', ''],
      ])}

The folder has upstream's own layout, for: assay init --from <benchmark> <checkout> --data <folder>. One shard is upstream's
validation shard; another is kept from training, for the judge alone. data.json has counts, digests and the deviations from upstream
that belong into every result. Where upstream's own data are, nothing has to be made: the adapters use them.`,
    )
    .action(async (benchmark: string, options: Options, command: Command) => {
      const { makeData } = await import('../task/make-data.ts');
      const output = openOutput(command);
      const directory = directoryOf(command);
      if (benchmark !== 'autoresearch' && benchmark !== 'speedrun')
        throw new UserError('usage-data', `there is no benchmark '${benchmark}'`, 'it is autoresearch or speedrun');
      if (options.heldOut + options.hidden >= 1)
        throw new UserError('usage-data', 'nothing is left for training', 'the two shares add up to less than 1');
      const { track, ...others } = options;
      const data = await makeData({
        ...others,
        ...(track === undefined ? {} : { track: track === '1' ? 1 : 3 }),
        ...(options.gpt2 === undefined ? {} : { gpt2: path.resolve(directory, options.gpt2) }),
        benchmark,
        text: options.text.map((each) => path.resolve(directory, each)),
        out: path.resolve(directory, options.out),
        python: options.python ?? process.env['ASSAY_PYTHON'] ?? 'python3',
      });
      if (output.isJson) {
        output.json('assay.data.v1', data);
        return;
      }
      const { documents, characters, leftOut, tokens, vocabulary, shards, deviations } = data;
      for (const [name, count] of Object.entries(documents)) {
        const inTokens = tokens[name] === undefined ? '' : `, ${tokens[name]} tokens`;
        output.print(`${name.padEnd(9)} ${count} documents, ${characters[name]} characters${inTokens}`);
      }
      output.print(`left out  ${leftOut.duplicates} twice, ${leftOut.notText} no text, ${leftOut.tooShort} too short`);
      output.print(`tokens    ${vocabulary} in the vocabulary`);
      output.print(
        `shards    ${shards.training} for training; held out ${shards['held-out']}, hidden ${shards.hidden}`,
      );
      for (const deviation of deviations) output.print(`deviation ${printable(deviation)}`);
      output.print(`in        ${options.out}`);
      output.print(
        `next      assay init --from ${benchmark} <checkout>${track === undefined ? '' : ` --track ${track}`} --data ${options.out}`,
      );
    });
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number between 0 and 1.');
}
