// Types of answers.
// Written by `sdks/typescript/generate.py`.

import type { Decimal, Open } from "./request.js";

/** A job that was accepted: ask for its state until it has ended. */
export interface AcceptedJob {
  job_id: string;
  status: Open<"canceled" | "failed" | "pending" | "running" | "succeeded">;
  kind: string;
  model: string;
  model_used: string;
  duration_sec: number | null;
  created_at: string;
}

/** Copy of what is stored of a person and its account, but for secrets and content. */
export interface AccountExport {
  object: "export";
  exported_at: string;
  user: User;
  two_factor: TwoFactorStatus;
  sessions: SessionView[];
  organizations: Record<string, any>[];
  keys: Key[];
  provider_keys: Record<string, any>[];
  balance: Balance | null;
  transactions: TransactionList;
}

/** Call of a tool that the model asks for. */
export interface AnsweredCall {
  id: string;
  type: string;
  function?: Called;
}

/** The model's message. */
export interface AnsweredMessage {
  role: string;
  content: string | null;
  tool_calls?: AnsweredCall[] | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  annotations?: Record<string, any>[] | null;
  audio?: Record<string, any> | null;
}

/** One entry of an account's audit log. */
export interface AuditEntry {
  object: "audit_entry";
  id: string;
  action: string;
  outcome: string;
  created_at: string;
  user_id: string | null;
  key_id: string | null;
  operator: string | null;
  source: string | null;
  target: string | null;
  before: Record<string, any>;
  after: Record<string, any>;
  note: string | null;
}

/** One page of a list. */
export interface AuditEntryList {
  object: "list";
  data: AuditEntry[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Terms of the automatic top-up, and how far this month's has come. */
export interface AutoTopUpView {
  object: "auto_topup";
  enabled: boolean;
  threshold_usd: Decimal;
  amount_usd: Decimal;
  monthly_ceiling_usd: Decimal;
  spent_this_month_usd: Decimal;
  payment_method_saved: boolean;
  pending: boolean;
  failed: string | null;
}

/** A call that waits for its owner's consent. */
export interface AwaitedCall {
  id: string;
  tool_name: string;
  tool_input: any;
}

/** Free and held money of an account. */
export interface Balance {
  object: "balance";
  balance_usd: Decimal;
  held_usd: Decimal;
  currency: "USD";
  suspended: boolean;
}

/** The balance below which the owner is told. */
export interface BillingAlerts {
  object: "billing_alerts";
  low_balance_usd: Decimal | null;
  webhook_url: string | null;
}

/** A key's hits by meaning that were checked, and how many of their answers disagreed. */
export interface CacheChecks {
  key_id: string;
  checked: number;
  disagreed: number;
  false_hit_rate: number | null;
  stopped_at: string | null;
}

/** Counts of one day in UTC. */
export interface CacheDay {
  hits: number;
  misses: number;
  hit_rate: number | null;
  saved_usd: Decimal;
  saved_input_tokens: number;
  saved_output_tokens: number;
  date: string;
}

/** A deletion of kept answers; the rest of very many is left to another call. */
export interface CacheDeleted {
  object: "cache.deleted";
  deleted: number;
  has_more: boolean;
}

/** Counts of the last days, today included, and the checks of hits by meaning. */
export interface CacheStats {
  hits: number;
  misses: number;
  hit_rate: number | null;
  saved_usd: Decimal;
  saved_input_tokens: number;
  saved_output_tokens: number;
  object: "cache.stats";
  days: number;
  by_day: CacheDay[];
  semantic: CacheChecks[];
}

/** Part of a call of a tool; parts of one call have its `index`. */
export interface CallPart {
  index: number;
  id?: string | null;
  type?: string | null;
  function?: CalledPart | null;
}

/** Function that a model wishes to be called, with its arguments as JSON text. */
export interface Called {
  name: string;
  arguments: string;
}

/** Part of a call. */
export interface CalledPart {
  name?: string | null;
  arguments?: string | null;
}

/** One of the answers. */
export interface ChatChoice {
  index: number;
  message: AnsweredMessage;
  finish_reason: string | null;
  logprobs?: Record<string, any> | null;
}

/** Answer to a chat request. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: ChatChoice[];
  usage?: ChatUsage | null;
  nexevo?: Extension;
  service_tier?: string | null;
  system_fingerprint?: string | null;
}

/** An event of a chat stream; the last one has what the request cost. */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: ChunkChoice[];
  usage?: ChatUsage | null;
  nexevo?: Extension;
  service_tier?: string | null;
  system_fingerprint?: string | null;
}

/** Addition of a chunk to a message. */
export interface ChatDelta {
  role?: string | null;
  content?: string | null;
  tool_calls?: CallPart[] | null;
  refusal?: string | null;
  reasoning_content?: string | null;
}

/** Tokens of a text request. */
export interface ChatUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: Record<string, any> | null;
  completion_tokens_details?: Record<string, any> | null;
}

/** A page on which the account is topped up. */
export interface Checkout {
  object: "checkout";
  payment_id: string;
  checkout_url: string | null;
  amount_usd: Decimal;
  currency: "USD";
  created_at: string;
}

/** Addition of a chunk to one of the answers. */
export interface ChunkChoice {
  index: number;
  delta: ChatDelta;
  finish_reason?: string | null;
  logprobs?: Record<string, any> | null;
}

/** A secret that opens realtime sessions in place of a key, with what they are set to. */
export interface ClientSecret {
  value: string;
  expires_at: number;
  session: Record<string, any>;
}

/** Items to send instead of the conversation. */
export interface Compaction {
  id: string;
  object: string;
  output: Record<string, any>[];
  created_at?: number;
  usage?: Record<string, any> | null;
  nexevo?: Extension;
}

/** Answer to a legacy completion, and an event of its stream. */
export interface Completion {
  id: string;
  object: "text_completion";
  created: number;
  model: string;
  choices: CompletionChoice[];
  usage?: ChatUsage | null;
  nexevo?: Extension;
  system_fingerprint?: string | null;
}

/** One of the answers, as text. */
export interface CompletionChoice {
  index: number;
  text: string;
  finish_reason?: string | null;
  logprobs?: Record<string, any> | null;
}

/** A conversation without its contents. */
export interface Conversation {
  id: string;
  conversation_id: string;
  object: "conversation";
  title: string | null;
  metadata: Record<string, any>;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
  item_count: number;
}

/** Answer to the deletion of a conversation. */
export interface ConversationDeleted {
  id: string;
  conversation_id: string;
  object: "conversation.deleted";
  deleted: boolean;
}

/** A conversation with its newest messages, oldest of them first. */
export interface ConversationDetail {
  id: string;
  conversation_id: string;
  object: "conversation";
  title: string | null;
  metadata: Record<string, any>;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
  item_count: number;
  messages: ConversationMessage[];
  has_more: boolean;
}

/** One page of a list. */
export interface ConversationList {
  object: "list";
  data: Conversation[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A message with its text. */
export interface ConversationMessage {
  id: string;
  message_id: string;
  object: "conversation.message";
  conversation_id: string;
  role: string | null;
  content: string;
  created_at: number;
}

/** A new key: `full_key` is shown this once. */
export interface CreatedKey {
  full_key: string;
  key: Key;
}

/** An account that has ended for good. */
export interface Deactivated {
  object: "user";
  user_id: string;
  account_id: string;
  deactivated: boolean;
}

/** Answer to a deletion. */
export interface Deleted {
  id: string;
  object: string;
  deleted: boolean;
}

/** A task's result at one of its places; `delivered` is null while the delivery is on its way. */
export interface DeliverableView {
  type: string;
  target: string | null;
  content: string | null;
  metadata: Record<string, number>;
  delivered: boolean | null;
  delivery_error: string | null;
}

/** The vector of one input, as numbers or as base64. */
export interface Embedding {
  object: "embedding";
  index: number;
  embedding: number[] | string;
}

/** Vectors in the order of their inputs. */
export interface EmbeddingList {
  object: "list";
  data: Embedding[];
  model: string;
  usage: EmbeddingsUsage;
  nexevo: Extension;
}

/** Tokens of an embedding. */
export interface EmbeddingsUsage {
  prompt_tokens: number;
  total_tokens: number;
}

/** The gateway's own member of an answer: what served it, and what it cost. */
export interface Extension {
  generation_id: string;
  model_used: string;
  models_tried: TriedModel[];
  cache: Open<"exact" | "miss" | "semantic">;
  cost_usd: Decimal;
  tools?: Record<string, any>[];
}

/** A rating of a generation; `replaced` tells that it takes the place of an earlier one. */
export interface Feedback {
  object: "feedback";
  generation_id: string;
  rating: -1 | 1;
  comment: string | null;
  tags: string[];
  model: string;
  created_at: string;
  replaced: boolean;
}

/** Ratings of the last days, today included. */
export interface FeedbackSummary {
  object: "feedback.summary";
  days: number;
  total: Votes;
  by_model: Votes[];
  by_key: Votes[];
  by_tag: Votes[];
  more_tags: boolean;
}

/** A kept file, as OpenAI's SDKs read it. */
export interface File {
  id: string;
  object: "file";
  bytes: number;
  created_at: number;
  expires_at: number | null;
  filename: string;
  purpose: string;
  status: string;
  status_details: string | null;
}

/** One page of a list. */
export interface FileList {
  object: "list";
  data: File[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** The API answers. */
export interface Health {
  status: "ok";
  version: string;
}

/** The plan by which the last days would have cost less. */
export interface Hint {
  recommend_plan: string;
  savings_pct: number;
  savings_usd: Decimal;
  days: number;
}

/** A picture, as a URL or as base64. */
export interface Image {
  url?: string | null;
  b64_json?: string | null;
  revised_prompt?: string | null;
}

/** A picture of a stream, finished or not. */
export interface ImageEvent {
  type: string;
}

/** Pictures that were drawn. */
export interface Images {
  created: number;
  data: Image[];
  nexevo: Extension;
  usage?: Record<string, any> | null;
  background?: string;
  output_format?: string;
  quality?: string;
  size?: string;
}

/** One invitation. */
export interface InvitationAnswer {
  invitation: InvitationView;
}

/** One page of a list. */
export interface InvitationList {
  object: "list";
  data: InvitationView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** An invitation, without its token. */
export interface InvitationView {
  object: "organization.invitation";
  invitation_id: string;
  org_id: string;
  email: string;
  role: Open<"admin" | "developer" | "owner">;
  status: string;
  invited_by: string;
  created_at: string;
  expires_at: string;
}

/** An item of a conversation, as the Responses API has them. */
export interface Item {
  type: string;
  id?: string;
}

/** One page of a list. */
export interface ItemList {
  object: "list";
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** A job of media. */
export interface Job {
  id: string;
  kind: string;
  model: string;
  model_used: string;
  status: Open<"canceled" | "failed" | "pending" | "running" | "succeeded">;
  progress: number | null;
  results: JobResult[];
  charged_usd: Decimal | null;
  error: JobErrorView | null;
  created_at: string;
  updated_at: string;
}

/** Reason for which a job has failed. */
export interface JobErrorView {
  code: string;
  message: string;
  retryable: boolean;
}

/** One page of a list. */
export interface JobList {
  object: "list";
  data: Job[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A result; its URL is signed for 24 hours, and a later look signs it afresh. */
export interface JobResult {
  url: string | null;
  b64_json: string | null;
  mime_type: string;
  duration_ms: number | null;
  width: number | null;
  height: number | null;
  bytes: number;
}

/** An API key as its owner sees it; the key itself is shown once, when it is made. */
export interface Key {
  object: "key";
  key_id: string;
  parent_key_id: string | null;
  user_id: string | null;
  org_id: string | null;
  name: string;
  last4: string;
  created_at: string;
  expires_at: string | null;
  disabled: boolean;
  revoked: boolean;
  can_manage_keys: boolean;
  monthly_spend_cap_usd: Decimal | null;
  rpm_limit: number | null;
  tpm_limit: number | null;
  max_parallel: number | null;
  user_rpm_limit: number | null;
  allowed_ips: string[];
  allowed_models: string[];
  region_policy: Open<"any" | "cn-only" | "overseas-only">;
  alert_webhook_url: string | null;
  cache: Open<"exact" | "off" | "semantic">;
  cache_threshold: number | null;
}

/** One page of a list. */
export interface KeyList {
  object: "list";
  data: Key[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A letter that may be on its way; the answer is the same for any address. */
export interface LetterSent {
  object: "letter";
  status: "sent";
  message: string;
  registration_token?: string;
}

/** An account's server of the Model Context Protocol. */
export interface McpServer {
  object: "mcp_server";
  id: string;
  name: string;
  url: string;
  token_last4: string | null;
  tools: McpToolView[];
  created_at: string;
  updated_at: string;
}

/** One page of a list. */
export interface McpServerList {
  object: "list";
  data: McpServer[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A tool of a server, by its full name. */
export interface McpToolView {
  name: string;
  description: string;
}

/** One member. */
export interface MemberAnswer {
  member: MemberView;
}

/** One page of a list. */
export interface MemberList {
  object: "list";
  data: MemberView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A member with its spend of this month. */
export interface MemberView {
  object: "organization.member";
  org_id: string;
  user_id: string;
  email: string;
  role: Open<"admin" | "developer" | "owner">;
  joined_at: string;
  monthly_spend_cap_usd: Decimal | null;
  spent_this_month_usd: Decimal;
  removed: boolean;
}

/** A value that agents remember. */
export interface Memory {
  object: "memory";
  level: Open<"task" | "tenant">;
  key: string;
  value: string;
  updated_at: string | null;
}

/** A value that agents no longer remember. */
export interface MemoryDeleted {
  object: "memory.deleted";
  level: "tenant";
  key: string;
  deleted: boolean;
}

/** One page of a list. */
export interface MemoryList {
  object: "list";
  data: Memory[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Anthropic's answer. */
export interface Message {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: Record<string, any>[];
  stop_reason: string | null;
  stop_sequence: string | null;
  usage: Record<string, any>;
  nexevo?: Extension;
  container?: Record<string, any> | null;
  context_management?: Record<string, any> | null;
}

/** An event of Anthropic's stream. */
export interface MessageEvent {
  type: string;
}

/** Tokens of a prompt. */
export interface MessageTokens {
  input_tokens: number;
}

/** Kinds of content that a model reads and writes. */
export interface Modalities {
  input: string[];
  output: string[];
}

/** A model for sale: what it can do, and its prices, whose members depend on its kind. */
export interface Model {
  id: string;
  object: "model";
  kind: string;
  created: number;
  owned_by: string;
  provider: string;
  pricing: Record<string, any>;
  context_window?: number | null;
  max_output_tokens?: number | null;
  modalities?: Modalities;
  capabilities?: string[];
  dimensions?: any;
  parameters?: Record<string, any>;
  models?: string[];
  knowledge?: string;
  retires_on?: string;
  retired_on?: string;
  successor?: string;
  simulated?: boolean;
}

/** One page of a list. */
export interface ModelList {
  object: "list";
  data: Model[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Judgement of texts and pictures. */
export interface Moderation {
  id: string;
  model: string;
  results: Record<string, any>[];
  nexevo: Extension;
}

/** An organization as one of its members sees it. */
export interface Organization {
  object: "organization";
  org_id: string;
  account_id: string;
  name: string;
  created_at: string;
  members: number;
  role: Open<"admin" | "developer" | "owner">;
}

/** One organization. */
export interface OrganizationAnswer {
  organization: Organization;
}

/** An organization that is closed for good. */
export interface OrganizationDeleted {
  object: "organization";
  org_id: string;
  deleted: boolean;
}

/** One page of a list. */
export interface OrganizationList {
  object: "list";
  data: Organization[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A new password counts; all sessions have ended. */
export interface PasswordChanged {
  object: "password";
  changed: boolean;
  sessions_ended: boolean;
}

/** Terms that an account may be on. */
export interface Plan {
  object: "plan";
  plan: string;
  name: string;
  monthly_usd: Decimal;
  passthrough_fee_percent: string;
  rpm_limit: number;
  currency: "USD";
}

/** One page of a list. */
export interface PlanList {
  object: "list";
  data: Plan[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A part of a task's plan. */
export interface PlanNode {
  id: string;
  type: string;
  goal: string | null;
  depends_on: string[];
  tool?: string | null;
  input?: any;
}

/** A form by which a large file is posted into storage: its fields first, then the file in the field `file`. */
export interface PresignedUpload {
  id: string;
  object: "file.upload";
  method: "POST";
  url: string;
  fields: Record<string, string>;
  expires_at: string;
}

/** An account's own key of a provider. */
export interface ProviderKey {
  object: "provider_key";
  id: string;
  provider: string;
  name: string;
  mode: string;
  last4: string;
  settings: Record<string, any>;
  verified: boolean | null;
  reason: string | null;
  tested_at: string | null;
  created_at: string;
  updated_at: string;
}

/** One page of a list. */
export interface ProviderKeyList {
  object: "list";
  data: ProviderKey[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A payment that was made. */
export interface Receipt {
  object: "receipt";
  payment_id: string;
  amount_usd: Decimal;
  returned_usd: Decimal;
  currency: "USD";
  source: string;
  paid_at: string | null;
  receipt_url: string | null;
}

/** One page of a list. */
export interface ReceiptList {
  object: "list";
  data: Receipt[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A document's place in the request, and its relevance; the document is as it was sent. */
export interface RerankResult {
  index: number;
  relevance_score: number;
  document?: string | Record<string, any>;
}

/** Units that a rerank was paid by. */
export interface RerankUsage {
  prompt_tokens: number;
  total_tokens: number;
  search_units: number;
}

/** Documents, the best first. */
export interface Reranking {
  id: string;
  object: "list";
  model: string;
  results: RerankResult[];
  usage: RerankUsage;
  nexevo: Extension;
  data?: RerankResult[];
}

/** OpenAI's response. */
export interface Response {
  id: string;
  object: "response";
  created_at: number;
  model: string;
  status?: string | null;
  output: Record<string, any>[];
  error: Record<string, any> | null;
  usage?: Record<string, any> | null;
  background?: boolean | null;
  completed_at?: number | null;
  conversation?: Record<string, any> | null;
  incomplete_details?: Record<string, any> | null;
  instructions?: string | Record<string, any>[] | null;
  max_output_tokens?: number | null;
  max_tool_calls?: number | null;
  metadata?: Record<string, any> | null;
  parallel_tool_calls?: boolean | null;
  previous_response_id?: string | null;
  prompt_cache_key?: string | null;
  reasoning?: Record<string, any> | null;
  safety_identifier?: string | null;
  service_tier?: string | null;
  store?: boolean | null;
  temperature?: number | null;
  text?: Record<string, any> | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  top_logprobs?: number | null;
  top_p?: number | null;
  truncation?: string | null;
  user?: string | null;
  nexevo?: Extension;
  /** All text of the output's messages. */
  readonly output_text: string;
}

/** A response that is no longer kept. */
export interface ResponseDeleted {
  id: string;
  object: string;
  deleted: boolean;
}

/** An event of a response's stream; `sequence_number` is where a later look goes on. */
export interface ResponseEvent {
  type: string;
  sequence_number?: number;
}

/** Items of which a response was made. */
export interface ResponseItemList {
  object: "list";
  data: Record<string, any>[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** Tokens of a prompt. */
export interface ResponseTokens {
  object: "response.input_tokens";
  input_tokens: number;
}

/** A plan: what would serve a chat request, in order, and what was left out. */
export interface RouteAnswer {
  object: "route";
  model: string;
  grade: Record<string, any> | null;
  candidates: RouteCandidate[];
  refusal: Record<string, any> | null;
  excluded: Record<string, any>[];
}

/** A model at a provider that would be asked, with the reasons for its place and the bounds of its price. */
export interface RouteCandidate {
  model: string;
  provider: string;
  region: string | null;
  asked_as: string;
  reasons: string[];
  price_bounds: Record<string, string>;
  propensity: number;
}

/** A run of an agent: its steps, and its result once it has ended. */
export interface Run {
  id: string;
  task_id: string;
  object: Open<"agent.run" | "task">;
  status: Open<"awaiting_confirmation" | "canceled" | "failed" | "pending" | "running" | "succeeded">;
  model: string;
  created_at: number;
  updated_at: number;
  total_cost_usd: Decimal | null;
  error: RunError | null;
  result: string | null;
  steps: Step[];
  steps_used: number;
  total_tokens_in: number;
  total_tokens_out: number;
  tools_not_offered: Record<string, string>;
  awaiting: AwaitedCall[];
  verifier_passed?: boolean | null;
  verifier_scores?: Record<string, number> | null;
}

/** Reason for which a run has failed. */
export interface RunError {
  code: string;
  message: string;
}

/** An event of a run's stream: a step, or the end with the whole run. */
export interface RunEvent {
  type: Open<"done" | "error" | "step">;
  step?: Step;
  job?: Run;
  error?: Record<string, any>;
}

/** One page of a list. */
export interface RunList {
  object: "list";
  data: RunSummary[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A run in a list. */
export interface RunSummary {
  id: string;
  task_id: string;
  object: Open<"agent.run" | "task">;
  status: Open<"awaiting_confirmation" | "canceled" | "failed" | "pending" | "running" | "succeeded">;
  model: string;
  created_at: number;
  updated_at: number;
  total_cost_usd: Decimal | null;
  error: RunError | null;
}

/** A session that has ended. */
export interface SessionEnded {
  object: "session";
  session_id: string;
  ended: boolean;
}

/** One page of a list. */
export interface SessionList {
  object: "list";
  data: SessionView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Tokens of a session, shown this once. */
export interface SessionTokens {
  object: "session";
  session_id: string;
  token_type: "Bearer";
  access_token: string;
  expires_in: number;
  refresh_token: string;
  refresh_expires_in: number;
}

/** A session that goes on. */
export interface SessionView {
  object: "session";
  session_id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  ip: string;
  user_agent: string;
  current: boolean;
}

/** Sound of a stream, as base64, or its end. */
export interface SpeechEvent {
  type: string;
  audio?: string;
}

/** A step of a run; which members are set depends on its type. */
export interface Step {
  type: string;
  step: number;
  tool_name: string | null;
  tool_input: any;
  tool_output: any;
  content: string | null;
  id?: string;
  node_id?: string;
  agent?: string;
  is_error?: boolean;
  passed?: boolean;
  failed_node_ids?: string[];
}

/** A task: a run with a plan and deliverables. A run of an agent that is asked for as a task has none of them. */
export interface Task {
  id: string;
  task_id: string;
  object: Open<"agent.run" | "task">;
  status: Open<"awaiting_confirmation" | "canceled" | "failed" | "pending" | "running" | "succeeded">;
  model: string;
  created_at: number;
  updated_at: number;
  total_cost_usd: Decimal | null;
  error: RunError | null;
  result: string | null;
  steps: Step[];
  steps_used: number;
  total_tokens_in: number;
  total_tokens_out: number;
  tools_not_offered: Record<string, string>;
  awaiting: AwaitedCall[];
  verifier_passed?: boolean | null;
  verifier_scores?: Record<string, number> | null;
  goal?: string;
  plan?: TaskPlan;
  repair_rounds?: number;
  deliverables?: DeliverableView[];
  partial?: boolean;
  succeeded_node_ids?: string[];
  failed_node_ids?: string[];
}

/** The parts of a task, and which of them wait for which. */
export interface TaskPlan {
  nodes: PlanNode[];
}

/** Tokens by the class that they are paid in. */
export interface TokenCounts {
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  audio_input_tokens: number;
  audio_output_tokens: number;
  image_output_tokens: number;
}

/** One entry of the account's ledger; charges are negative. */
export interface Transaction {
  object: "transaction";
  id: string;
  kind: string;
  amount_usd: Decimal;
  currency: "USD";
  created_at: string;
  hold_id: string | null;
  key_id: string | null;
  request_id: string | null;
  generation_id: string | null;
  user_id: string | null;
  org_id: string | null;
  model_requested: string | null;
  model_used: string | null;
  tier: string | null;
  price_version: string | null;
  cache: string | null;
  models_tried: TriedModel[];
  usage: TokenCounts | null;
  tools: Record<string, any>[];
  estimated: boolean;
  note: string | null;
  schema_version: number;
}

/** One page of a list. */
export interface TransactionList {
  object: "list";
  data: Transaction[];
  has_more: boolean;
  next_cursor: string | null;
}

/** A recording that was written down. */
export interface Transcript {
  text: string;
  usage: Record<string, any>;
  nexevo: Extension;
  task?: string;
  language?: string;
  duration?: number;
  segments?: Record<string, any>[];
  words?: Record<string, any>[];
  logprobs?: Record<string, any>[];
}

/** A part of a recording that was written down. */
export interface TranscriptEvent {
  type: string;
  delta?: string;
  text?: string;
}

/** A candidate, and what came of it: `served`, a failure, or why it was not asked. */
export interface TriedModel {
  model: string;
  provider: string;
  outcome: string;
  own_key?: boolean;
}

/** A second factor that counts from now on; its recovery codes are shown this once. */
export interface TwoFactorEnabled {
  object: "two_factor";
  enabled: boolean;
  recovery_codes: string[];
}

/** Secret of a second factor, shown this once. */
export interface TwoFactorSetup {
  object: "two_factor_setup";
  secret: string;
  otpauth_uri: string;
}

/** State of a second factor. */
export interface TwoFactorStatus {
  object: "two_factor";
  enabled: boolean;
  pending: boolean;
  recovery_codes_left: number;
}

/** A hint, or none where no plan would have cost at least a percent less. */
export interface UpgradeHint {
  object: "upgrade_hint";
  hint: Hint | null;
}

/** An uploaded file; `url` and `id` are taken by every media field. */
export interface Upload {
  id: string;
  object: "file";
  url: string;
  mime_type: string;
  bytes: number;
  created_at: string;
  expires_at: string;
}

/** Usage by what it is billed as. */
export interface UsageByTier {
  fast: UsageRow;
  balanced: UsageRow;
  passthrough: UsageRow;
  byok: UsageRow;
}

/** The requests that were admitted on one day (UTC). */
export interface UsageDay {
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  audio_input_tokens: number;
  audio_output_tokens: number;
  image_output_tokens: number;
  requests: number;
  cost_usd: Decimal;
  date: string;
}

/** The requests that agree in the dimensions of `group_by`. */
export interface UsageGroup {
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  audio_input_tokens: number;
  audio_output_tokens: number;
  image_output_tokens: number;
  requests: number;
  cost_usd: Decimal;
  date?: string;
  model?: string | null;
  key_id?: string | null;
  user_id?: string | null;
  tier?: string | null;
}

/** Usage of the last days, today included. */
export interface UsageReport {
  object: "usage";
  days: number;
  currency: "USD";
  daily: UsageDay[];
  by_tier: UsageByTier;
  total: UsageRow;
  group_by?: string[];
  groups?: UsageGroup[];
}

/** Requests, tokens and cost of a group of requests. */
export interface UsageRow {
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  audio_input_tokens: number;
  audio_output_tokens: number;
  image_output_tokens: number;
  requests: number;
  cost_usd: Decimal;
}

/** A person as it sees itself; an account without a person has nulls. */
export interface User {
  object: "user";
  user_id: string | null;
  account_id: string;
  email: string | null;
  email_verified: boolean;
  full_name: string | null;
  default_organization: string | null;
  created_at: string | null;
  password_set: boolean;
  two_factor_enabled: boolean;
}

/** A job of video, as OpenAI's SDKs read it. */
export interface Video {
  id: string;
  object: "video";
  created_at: number;
  completed_at: number | null;
  expires_at: number | null;
  status: Open<"completed" | "failed" | "in_progress" | "queued">;
  progress: number;
  model: string;
  model_used: string;
  seconds: string | null;
  size: string | null;
  prompt: string | null;
  remixed_from_video_id: string | null;
  error: VideoErrorView | null;
}

/** Reason for which a video has failed. */
export interface VideoErrorView {
  code: string;
  message: string;
}

/** One page of a list. */
export interface VideoList {
  object: "list";
  data: Video[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** Counts of ratings. */
export interface Votes {
  count: number;
  positive: number;
  negative: number;
  positive_share: number | null;
  model?: string | null;
  key_id?: string | null;
  tag?: string | null;
}

/** One try of a delivery. */
export interface WebhookDelivery {
  object: "webhook_delivery";
  id: string;
  job_id: string | null;
  message_id: string;
  type: string;
  url: string;
  attempt: number;
  delivered: boolean;
  status_code: number | null;
  error: string | null;
  created_at: string;
  next_attempt_at: string | null;
}

/** One page of a list. */
export interface WebhookDeliveryList {
  object: "list";
  data: WebhookDelivery[];
  has_more: boolean;
  next_cursor: string | null;
}

/** The secret that signs webhooks; the one before signs too for a day after a rotation. */
export interface WebhookSecret {
  object: "webhook_secret";
  secret: string;
  previous_valid_until: string | null;
}
