// The Vercel AI SDK in Node, which traces itself when asked. Over HTTP. Prints what tracing.py prints.
const { trace } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
const { createAnthropic } = require("@ai-sdk/anthropic");
const { createOpenAI } = require("@ai-sdk/openai");
const { generateText, stepCountIs, tool } = require("ai");
const { z } = require("zod");

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const anthropic = createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` });
const weather = tool({ description: "weather", inputSchema: z.object({}), execute: async () => "sunny" });
const question = { prompt: "What is the weather in Paris?", experimental_telemetry: { isEnabled: true } };

let spans = 0;
const counting = { onStart() {}, onEnd() { spans += 1; }, forceFlush: async () => {}, shutdown: async () => {} };
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME }),
  spanProcessors: [counting, new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

async function main() {
  await generateText({ model: openai.chat("gpt-4o"), ...question });
  await generateText({ model: anthropic("claude-sonnet-4-5"), ...question });
  const attributes = { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather" };
  await trace.getTracer("app").startActiveSpan("invoke_agent weather", { attributes }, async (span) => {
    await generateText({
      model: openai.chat("gpt-4o"), tools: { weather }, stopWhen: stepCountIs(2), ...question,
    });
    span.end();
  });
  await provider.shutdown();
  console.log(JSON.stringify({ spans }));
}

main();
