// The only place that talks to the server.
import type {
  ApiKey,
  CacheState,
  Exchange,
  ExchangePage,
  Experiment,
  ExperimentRow,
  NewKey,
  Range,
  Session,
  Traffic,
  Upstream,
} from "./types";

const ROOT = "/dashboard/api";

export class ApiError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

let csrf = "";
let onExpired: () => void = () => {};

/** Called when the server no longer knows the session. */
export function whenExpired(callback: () => void): void {
  onExpired = callback;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  let reply: Response;
  try {
    reply = await fetch(ROOT + path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "Assay does not answer. Is it still running?");
  }
  const text = await reply.text();
  if (reply.ok) return (text ? JSON.parse(text) : {}) as T;
  let message = `Assay answered with status ${reply.status}.`;
  try {
    const parsed = JSON.parse(text) as { error?: { message?: string } };
    message = parsed.error?.message ?? message;
  } catch {
    // An answer without the error shape keeps the general sentence.
  }
  const retry = Number(reply.headers.get("retry-after"));
  const error = new ApiError(reply.status, message, retry > 0 ? retry : undefined);
  if (reply.status === 401 && path !== "/login") onExpired();
  throw error;
}

function query(fields: Record<string, string | number | undefined>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== "") parts.set(name, String(value));
  }
  const text = parts.toString();
  return text ? `?${text}` : "";
}

export async function session(): Promise<Session> {
  const state = await call<Session>("GET", "/session");
  csrf = state.csrf ?? "";
  return state;
}

export async function login(password: string): Promise<void> {
  const state = await call<{ csrf: string }>("POST", "/login", { password });
  csrf = state.csrf;
}

export async function logout(): Promise<void> {
  await call("POST", "/logout");
  csrf = "";
}

export const traffic = (range: Range): Promise<Traffic> => call("GET", `/traffic?range=${range}`);

export const exchanges = (filter: Record<string, string | undefined>): Promise<ExchangePage> =>
  call("GET", `/exchanges${query(filter)}`);

export const exchange = (id: string): Promise<Exchange> =>
  call("GET", `/exchanges/${encodeURIComponent(id)}`);

export const upstreams = (): Promise<{ now_ms: number; upstreams: Upstream[] }> =>
  call("GET", "/upstreams");

export const cache = (): Promise<CacheState> => call("GET", "/cache");

export const purge = (filter: {
  route?: string;
  model?: string;
  tenant?: string;
}): Promise<{ purged: number }> => call("DELETE", `/cache${query(filter)}`);

export const experiments = (): Promise<{ experiments: ExperimentRow[] }> =>
  call("GET", "/experiments");

export const experiment = (id: string): Promise<Experiment> =>
  call("GET", `/experiments/${encodeURIComponent(id)}`);

export const switchExperiment = (id: string, stop: boolean): Promise<void> =>
  call("POST", `/experiments/${encodeURIComponent(id)}/${stop ? "stop" : "start"}`);

export const keys = (): Promise<{ keys: ApiKey[]; scopes: string[] }> => call("GET", "/keys");

export const createKey = (key: NewKey): Promise<{ token: string; id: string }> =>
  call("POST", "/keys", key);

export const revokeKey = (id: string): Promise<void> =>
  call("DELETE", `/keys/${encodeURIComponent(id)}`);
