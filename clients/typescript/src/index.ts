// How does a page or a Node server ask Setwise, with the types of its OpenAPI?
import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type SetwiseClient = Client<paths>;

/** What was wrong, where, and what to do (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: unknown[] = [],
    readonly retryAfterS?: number,
  ) {
    super(`${status} ${title}: ${detail}`);
  }
}

/** One step of a submitted request: understood, slot, bundles, done or failed. */
export interface Progress {
  name: string;
  id: string;
  data: unknown;
}

export interface Options {
  /** An API key; leave it out where the service lets anybody in. */
  key?: string;
  /** Refusals with 429 and 503 are tried again, so many times in all. */
  tries?: number;
  /** A Retry-After of more seconds than this is thrown at once. */
  longestWaitS?: number;
}

const BUSY = [429, 503];
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const waited = response.headers.get("retry-after");
  const retryAfterS = waited !== null && /^\d+$/.test(waited) ? Number(waited) : undefined;
  try {
    const said = JSON.parse(text);
    return new ProblemError(said.status, said.title, said.detail, said.errors, retryAfterS);
  } catch {
    return new ProblemError(response.status, response.statusText, text.slice(0, 500), [], retryAfterS);
  }
}

/** Calls by method and path, as in `client.POST("/v1/bundles", { body })`; an answer that is an error is thrown. */
export function createSetwiseClient(url: string, options: Options = {}): SetwiseClient {
  const { key, tries = 3, longestWaitS = 5 } = options;
  const patiently = async (request: Request): Promise<Response> => {
    for (let left = tries - 1; ; left--) {
      const response = await fetch(left > 0 ? request.clone() : request);
      const waitS = Number(response.headers.get("retry-after") ?? 1);
      if (!BUSY.includes(response.status) || left <= 0 || !(waitS <= longestWaitS)) return response;
      await response.body?.cancel();
      await sleep(waitS);
    }
  };
  const client = createClient<paths>({
    baseUrl: url,
    fetch: patiently,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
  });
  const throwing: Middleware = {
    async onResponse({ response }) {
      if (!response.ok) throw await problemOf(response);
    },
  };
  client.use(throwing);
  return client;
}

/** A submitted request as it is answered; `after` is the id of the last step that was seen. */
export async function* follow(client: SetwiseClient, requestId: string, after?: string): AsyncGenerator<Progress> {
  const { response } = await client.GET("/v1/requests/{request_id}/events", {
    params: { path: { request_id: requestId }, header: after === undefined ? {} : { "Last-Event-ID": after } },
    parseAs: "stream",
  });
  if (response.body === null) return;
  let rest = "";
  let said: Record<string, string> = {};
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
      const colon = line.indexOf(":");
      if (colon > 0) {
        said[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
      } else if (line === "") {
        if (said.event && said.data) yield { name: said.event, id: said.id ?? "", data: JSON.parse(said.data) };
        said = {};
      }
    }
  }
}
