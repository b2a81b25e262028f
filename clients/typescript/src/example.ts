// SETWISE_URL=http://127.0.0.1:8000 node dist/example.js
import { createSetwiseClient, follow, ProblemError } from "./index.js";

const key = process.env.SETWISE_KEY;
const client = createSetwiseClient(process.env.SETWISE_URL ?? "http://127.0.0.1:8000", key ? { key } : {});
const { data: answer } = await client.POST("/v1/bundles", {
  body: { prompt: "a sofa and a lamp under $1500", n_bundles: 2 },
});
for (const bundle of answer?.bundles ?? []) {
  console.log(bundle.total_cents, bundle.items.map((item) => item.product_id).join(" "));
}

const { data: accepted } = await client.POST("/v1/requests", { body: { prompt: "a desk and a chair" } });
for await (const step of follow(client, accepted!.request_id)) console.log(step.name);

try {
  await client.GET("/v1/products/{product_id}", { params: { path: { product_id: "nothing" } } });
} catch (error) {
  if (error instanceof ProblemError) console.log(error.status, error.detail);
}
