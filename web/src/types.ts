// What the JSON API under /dashboard/api answers. Times are unix milliseconds, durations microseconds,
// money nano-dollars (1e-9 USD): the units of the request log.

export interface Session {
  authenticated: boolean;
  password_set: boolean;
  /** Whether there is a folder to keep a password in. */
  data_folder: boolean;
  csrf?: string;
  expires_ms?: number;
  version: string;
}

export type Source = "memory" | "compressed" | "disk" | "redis" | "coalesced" | "upstream";
/** One point covers the step up to `t`; all but the percentiles are rates per second over that step. */
export interface TrafficPoint {
  t: number;
  requests: number;
  errors: number;
  answered: Record<Source, number>;
  /** null where nothing was answered in the step. */
  p50_us: number | null;
  p95_us: number | null;
  p99_us: number | null;
  saved_nanousd: number;
  spent_nanousd: number;
  prompt_tokens: number;
  completion_tokens: number;
  verdicts: Record<Verdict, number>;
}

/** The last five minutes second by second, or the last hour minute by minute. */
export type Range = "minutes" | "hour";

export interface Traffic {
  now_ms: number;
  step_ms: number;
  points: TrafficPoint[];
}

export type Verdict = "supported" | "contradicted" | "unverified";
export const VERDICTS: readonly Verdict[] = ["supported", "contradicted", "unverified"];

export interface ExchangeRow {
  id: string;
  started_ms: number;
  route: string;
  model: string;
  tenant: string;
  key: string;
  upstream: string;
  source: string;
  status: number;
  error: string;
  streamed: boolean;
  duration_us: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost_nanousd: number;
  saved_nanousd: number;
  verdicts: Record<Verdict, number>;
}

export interface ExchangePage {
  items: ExchangeRow[];
  /** Pass as `before` for the next page; null on the last one. */
  next: string | null;
}

export interface TraceSpan {
  name: string;
  start_us: number;
  duration_us: number;
  note: string;
}

export interface Evidence {
  file: string;
  line?: number | null;
  text: string;
  score?: number | null;
}

export interface Claim {
  text: string;
  verdict: Verdict;
  confidence: number;
  reason: string;
  evidence: Evidence[];
}

export interface Exchange extends ExchangeRow {
  trace_id: string;
  spans: TraceSpan[];
  claims: Claim[];
  /** null where `telemetry.request_log.text` is off. */
  question: string | null;
  answer: string | null;
}

export interface Upstream {
  name: string;
  url: string;
  routes: string[];
  breaker: "closed" | "open" | "half-open";
  breaker_opened: number;
  /** How long the upstream asked to be left alone. */
  paused_ms: number;
  in_flight: number;
  waiting: number;
  requests: number;
  errors: number;
  rate_limited: number;
  refused: number;
  /** Moving average of good answers; null before the first. */
  latency_us: number | null;
  /** null: no limit. */
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  last_error: string | null;
  last_error_ms: number | null;
}

export interface Tier {
  name: string;
  entries: number;
  bytes: number;
  capacity_bytes: number | null;
  hits: number;
  misses: number;
  evictions: number;
  state: string;
}

/** The semantic cache of one route. */
export interface SemanticRoute {
  route: string;
  entries: number;
  requests: number;
  hits: number;
  /** Hits whose answer was compared with the upstream's, and of those the wrong ones. */
  checked: number;
  wrong: number;
  /** Upper end of the 95% interval of the share of wrong hits among hits. */
  false_hit_share_upper: number;
  /** Estimated wrong hits of all requests, which the budget bounds. */
  error_share: number;
  open: boolean;
  alarm: boolean;
  /** Why questions are not kept on the disk any more; empty: they are, or need not be. */
  file_error: string;
}

export interface CacheState {
  tiers: Tier[];
  semantic: SemanticRoute[];
}

export type DecisionState = "undecided" | "winner" | "harmful" | "broken_assignment";

export interface Decision {
  state: DecisionState;
  variant: string | null;
  reason: string;
}

export interface ExperimentHead {
  id: string;
  running: boolean;
  /** By an administrator. */
  stopped: boolean;
  units: number;
  outcomes: number;
  /** That count together. */
  gateways: number;
  /** Redis does not answer: what others counted is what was heard last. */
  partial: boolean;
  decision: Decision;
}

export interface ExperimentRow extends ExperimentHead {
  variants: string[];
}

export interface OutcomeSum {
  n: number;
  mean: number | null;
  deviation: number | null;
}

export interface ExperimentVariant {
  name: string;
  share: number;
  units: number;
  requests: number;
  metrics: Record<string, OutcomeSum>;
  measured: Record<"latency_ms" | "error" | "tokens" | "cost_usd", OutcomeSum>;
  verdict?: string;
}

/** One variant against the control in one metric; figures that are not defined are null. */
export interface Comparison {
  variant: string;
  metric: string;
  role: "goal" | "guardrail";
  direction: "increase" | "decrease";
  n_control: number;
  n_variant: number;
  control: number | null;
  mean: number | null;
  effect: number | null;
  low: number | null;
  high: number | null;
  relative: number | null;
  p: number | null;
  p_adjusted: number | null;
  significant: boolean;
  better: boolean;
  worse: boolean;
}

/** How a comparison stood after so many outcomes. */
export interface EffectPoint {
  at_ms: number;
  outcomes: number;
  variant: string;
  metric: string;
  effect: number;
  low: number;
  high: number;
}

export interface Experiment extends ExperimentHead {
  significance: number;
  /** Outcomes of variants that are others today. */
  set_aside: number;
  variants: ExperimentVariant[];
  assignment: { p: number | null; mismatch: boolean };
  comparisons: Comparison[];
  history: EffectPoint[];
}

export interface Budget {
  used: number;
  limit: number | null;
}

export interface ApiKey {
  id: string;
  name: string;
  tenant: string;
  scopes: string[];
  created_ms: number;
  expires_ms: number | null;
  revoked: boolean;
  /** When the budget starts anew: total, hour, day, month. */
  period: string;
  requests: Budget;
  tokens: Budget;
  cost_nanousd: Budget;
}

export interface NewKey {
  name: string;
  tenant: string;
  scopes: string[];
  expires_ms: number | null;
  period: string;
  requests: number | null;
  tokens: number | null;
  cost_nanousd: number | null;
}
