/**
 * The variables a test may see: no key of any model, no credential of any service, nothing of a person's Assay settings. So that a test
 * cannot spend money, and passes or fails for everyone alike.
 */
export function cleanEnvironment(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isPrivate(name)));
}

const PREFIXES = [
  'ASSAY_',
  'OPENAI_',
  'ANTHROPIC_',
  'CLAUDE_',
  'CODEX_',
  'GEMINI_',
  'GOOGLE_',
  'AZURE_',
  'AWS_',
  'MISTRAL_',
  'GROQ_',
  'XAI_',
  'DEEPSEEK_',
  'OPENROUTER_',
  'TOGETHER_',
  'FIREWORKS_',
  'COHERE_',
  'CEREBRAS_',
  'HF_',
  'HUGGING',
  'WANDB_',
  'MLFLOW_',
  'OTEL_',
];

function isPrivate(name: string): boolean {
  const upper = name.toUpperCase();
  return PREFIXES.some((prefix) => upper.startsWith(prefix)) || /(_API_KEY|_TOKEN|_SECRET|_PASSWORD)$/.test(upper);
}
