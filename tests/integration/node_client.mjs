// Asks the gateway at argv[2] as an application would; prints what came as one JSON object.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const ask = { model: "fake", messages: [{ role: "user", content: "Capital of France?" }] };

const first = await client.chat.completions.create(ask);
const { data: second, response } = await client.chat.completions.create(ask).withResponse();
let streamed = "";
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}
let error = 0;
try {
  await client.chat.completions.create({ model: "", messages: [] });
} catch (problem) {
  error = problem.status;
}
console.log(JSON.stringify({
  first: first.choices[0].message.content,
  second: second.choices[0].message.content,
  streamed,
  cache: response.headers.get("x-assay-cache"),
  error,
}));
