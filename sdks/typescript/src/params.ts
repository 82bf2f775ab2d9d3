// Types of arguments.
// Written by `sdks/typescript/generate.py`.

import type { Amount, Uploadable } from "./request.js";

/** One message of a conversation. */
export interface ChatMessageParam {
  role: "assistant" | "developer" | "function" | "system" | "tool" | "user";
  content?: string | Record<string, any>[] | null;
  name?: string | null;
  tool_calls?: Record<string, any>[] | null;
  tool_call_id?: string | null;
  reasoning_content?: string | null;
}

/** One place that a task's result goes to. */
export interface DeliverableBodyParam {
  type: "email" | "webhook";
  target: string;
}

/** The life of a secret. */
export interface ExpiresAfterParam {
  anchor?: "created_at";
  seconds?: number;
}

/** Bounds in USD: of a million tokens by class, and of this request's worst case (`total`). */
export interface MaxPriceParam {
  prompt?: Amount | null;
  completion?: Amount | null;
  total?: Amount | null;
  cache_read?: Amount | null;
  cache_write_5m?: Amount | null;
  cache_write_1h?: Amount | null;
  audio_input?: Amount | null;
  audio_output?: Amount | null;
  image_output?: Amount | null;
}

/** The caller's routing preferences that apply to media models. */
export interface PreferencesParam {
  allow_fallbacks?: boolean;
}

/** Wishes about where a request goes. */
export interface ProviderPreferencesParam {
  order?: string[] | null;
  only?: string[] | null;
  ignore?: string[] | null;
  allow_fallbacks?: boolean | null;
  sort?: "latency" | "price" | "throughput" | Record<string, any> | null;
  require_parameters?: boolean | null;
  max_price?: MaxPriceParam | null;
  stream_failure?: "continue" | "terminate" | null;
}

/** Arguments of `chat.completions.create`. */
export interface ChatCompletionsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  max_tokens?: number | null;
  n?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  stream?: boolean | null;
  stream_options?: Record<string, any> | null;
  temperature?: number | null;
  top_p?: number | null;
  user?: string | null;
  messages: ChatMessageParam[];
  audio?: Record<string, any> | null;
  cache_control?: Record<string, any> | null;
  function_call?: string | Record<string, any> | null;
  functions?: Record<string, any>[] | null;
  logprobs?: boolean | null;
  max_completion_tokens?: number | null;
  metadata?: Record<string, string> | null;
  modalities?: string[] | null;
  parallel_tool_calls?: boolean | null;
  prediction?: Record<string, any> | null;
  prompt_cache_key?: string | null;
  reasoning_effort?: "high" | "low" | "max" | "medium" | "minimal" | "none" | "xhigh" | null;
  response_format?: Record<string, any> | null;
  safety_identifier?: string | null;
  service_tier?: "auto" | "default" | "flex" | null;
  store?: boolean | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  top_k?: number | null;
  top_logprobs?: number | null;
  verbosity?: "high" | "low" | "medium" | null;
  web_search_options?: Record<string, any> | null;
}

/** Arguments of `completions.create`. */
export interface CompletionsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  max_tokens?: number | null;
  n?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  stream?: boolean | null;
  stream_options?: Record<string, any> | null;
  temperature?: number | null;
  top_p?: number | null;
  user?: string | null;
  prompt: string | any[];
  best_of?: number | null;
  echo?: boolean | null;
  logprobs?: number | null;
  suffix?: string | null;
}

/** Arguments of `chat.completions.route`. */
export interface ChatCompletionsRouteParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  max_tokens?: number | null;
  n?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  stream?: boolean | null;
  stream_options?: Record<string, any> | null;
  temperature?: number | null;
  top_p?: number | null;
  user?: string | null;
  messages: ChatMessageParam[];
  audio?: Record<string, any> | null;
  cache_control?: Record<string, any> | null;
  function_call?: string | Record<string, any> | null;
  functions?: Record<string, any>[] | null;
  logprobs?: boolean | null;
  max_completion_tokens?: number | null;
  metadata?: Record<string, string> | null;
  modalities?: string[] | null;
  parallel_tool_calls?: boolean | null;
  prediction?: Record<string, any> | null;
  prompt_cache_key?: string | null;
  reasoning_effort?: "high" | "low" | "max" | "medium" | "minimal" | "none" | "xhigh" | null;
  response_format?: Record<string, any> | null;
  safety_identifier?: string | null;
  service_tier?: "auto" | "default" | "flex" | null;
  store?: boolean | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  top_k?: number | null;
  top_logprobs?: number | null;
  verbosity?: "high" | "low" | "medium" | null;
  web_search_options?: Record<string, any> | null;
}

/** Arguments of `messages.create`. */
export interface MessagesCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  messages: Record<string, any>[];
  system?: string | Record<string, any>[] | null;
  thinking?: Record<string, any> | null;
  tool_choice?: Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  cache_control?: Record<string, any> | null;
  output_config?: Record<string, any> | null;
  max_tokens: number;
  context_management?: Record<string, any> | null;
  mcp_servers?: Record<string, any>[] | null;
  metadata?: Record<string, any> | null;
  service_tier?: "auto" | "standard_only" | null;
  stop_sequences?: string[] | null;
  stream?: boolean | null;
  temperature?: number | null;
  top_k?: number | null;
  top_p?: number | null;
}

/** Arguments of `messages.countTokens`. */
export interface MessagesCountTokensParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  messages: Record<string, any>[];
  system?: string | Record<string, any>[] | null;
  thinking?: Record<string, any> | null;
  tool_choice?: Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  cache_control?: Record<string, any> | null;
  output_config?: Record<string, any> | null;
}

/** Arguments of `responses.create`. */
export interface ResponsesCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  conversation?: string | Record<string, any> | null;
  input?: string | Record<string, any>[] | null;
  instructions?: string | null;
  parallel_tool_calls?: boolean | null;
  previous_response_id?: string | null;
  reasoning?: Record<string, any> | null;
  text?: Record<string, any> | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  truncation?: "auto" | "disabled" | null;
  prompt_cache_key?: string | null;
  service_tier?: "auto" | "default" | "flex" | null;
  background?: boolean | null;
  context_management?: Record<string, any>[] | null;
  include?: string[] | null;
  max_output_tokens?: number | null;
  max_tool_calls?: number | null;
  metadata?: Record<string, string> | null;
  safety_identifier?: string | null;
  store?: boolean | null;
  stream?: boolean | null;
  stream_options?: Record<string, any> | null;
  temperature?: number | null;
  top_logprobs?: number | null;
  top_p?: number | null;
  user?: string | null;
}

/** Arguments of `responses.compact`. */
export interface ResponsesCompactParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  conversation?: string | Record<string, any> | null;
  input?: string | Record<string, any>[] | null;
  instructions?: string | null;
  parallel_tool_calls?: boolean | null;
  previous_response_id?: string | null;
  reasoning?: Record<string, any> | null;
  text?: Record<string, any> | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  truncation?: "auto" | "disabled" | null;
  prompt_cache_key?: string | null;
  service_tier?: "auto" | "default" | "flex" | null;
}

/** Arguments of `responses.countTokens`. */
export interface ResponsesCountTokensParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  conversation?: string | Record<string, any> | null;
  input?: string | Record<string, any>[] | null;
  instructions?: string | null;
  parallel_tool_calls?: boolean | null;
  previous_response_id?: string | null;
  reasoning?: Record<string, any> | null;
  text?: Record<string, any> | null;
  tool_choice?: string | Record<string, any> | null;
  tools?: Record<string, any>[] | null;
  truncation?: "auto" | "disabled" | null;
}

/** Arguments of `responses.get`. */
export interface ResponsesGetParams {
  stream?: boolean;
  starting_after?: number;
  include?: string[];
  include_obfuscation?: boolean;
}

/** Arguments of `responses.listInputItems`. */
export interface ResponsesListInputItemsParams {
  limit?: number;
  after?: string;
  order?: string;
  include?: string[];
}

/** Arguments of `embeddings.create`. */
export interface EmbeddingsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  input: string | any[];
  dimensions?: number | null;
  encoding_format?: "base64" | "float" | null;
  input_type?: string | null;
  output_dtype?: "base64" | "float" | null;
  task?: string | null;
  truncate?: string | boolean | null;
  truncation?: boolean | null;
  user?: string | null;
}

/** Arguments of `rerank.create`. */
export interface RerankCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  query: string;
  documents: Array<string | Record<string, any>>;
  max_tokens_per_doc?: number | null;
  return_documents?: boolean | null;
  top_k?: number | null;
  top_n?: number | null;
  truncation?: true | null;
  user?: string | null;
}

/** Arguments of `moderations.create`. */
export interface ModerationsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  input: string | any[];
  model?: string | null;
}

/** Arguments of `images.generate`. */
export interface ImagesGenerateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  model?: string | null;
  background?: boolean | string | null;
  n?: number | null;
  negative_prompt?: string | null;
  output_compression?: number | null;
  output_format?: "jpeg" | "png" | "webp" | null;
  partial_images?: number | null;
  quality?: string | null;
  response_format?: "b64_json" | "url" | null;
  safety_identifier?: string | null;
  seed?: number | null;
  size?: string | null;
  stream?: boolean | null;
  user?: string | null;
  webhook_url?: string | null;
  prompt: string;
  images?: any[] | null;
  moderation?: string | null;
  reference_image_b64?: string | null;
  reference_image_url?: string | null;
  style?: string | null;
}

/** Arguments of `images.edit`. */
export interface ImagesEditParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  model?: string | null;
  background?: boolean | string | null;
  n?: number | null;
  negative_prompt?: string | null;
  output_compression?: number | null;
  output_format?: "jpeg" | "png" | "webp" | null;
  partial_images?: number | null;
  quality?: string | null;
  response_format?: "b64_json" | "url" | null;
  safety_identifier?: string | null;
  seed?: number | null;
  size?: string | null;
  stream?: boolean | null;
  user?: string | null;
  webhook_url?: string | null;
  prompt: string;
  image?: Uploadable | Uploadable[] | null;
  images?: any[] | null;
  input_fidelity?: string | null;
  mask?: Uploadable | Record<string, any> | null;
  moderation?: string | null;
}

/** Arguments of `images.createVariation`. */
export interface ImagesCreateVariationParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  image: Uploadable;
  model?: string | null;
  n?: number | null;
  response_format?: "b64_json" | "url" | null;
  size?: string | null;
  user?: string | null;
}

/** Arguments of `audio.speech.create`. */
export interface AudioSpeechCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  input: string;
  voice: string | Record<string, any>;
  instructions?: string | null;
  response_format?: "aac" | "flac" | "mp3" | "opus" | "pcm" | "wav" | null;
  speed?: number | null;
  stream_format?: "audio" | "sse" | null;
  user?: string | null;
}

/** Arguments of `audio.transcriptions.create`. */
export interface AudioTranscriptionsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  file: Uploadable;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  prompt?: string | null;
  response_format?: "diarized_json" | "json" | "srt" | "text" | "verbose_json" | "vtt" | null;
  temperature?: number | null;
  user?: string | null;
  chunking_strategy?: string | Record<string, any> | null;
  include?: string[] | null;
  known_speaker_names?: string[] | null;
  known_speaker_references?: string[] | null;
  language?: string | null;
  stream?: boolean | null;
  timestamp_granularities?: string[] | null;
}

/** Arguments of `audio.translations.create`. */
export interface AudioTranslationsCreateParams {
  models?: string[] | null;
  provider?: ProviderPreferencesParam | null;
  max_price?: MaxPriceParam | null;
  file: Uploadable;
  /** Catalog id, alias like nexevo/balanced, or provider/model. */
  model: string;
  prompt?: string | null;
  response_format?: "diarized_json" | "json" | "srt" | "text" | "verbose_json" | "vtt" | null;
  temperature?: number | null;
  user?: string | null;
}

/** Arguments of `auth.register`. */
export interface AuthRegisterParams {
  email: string;
  password: string;
  full_name?: string;
  invitation?: string;
}

/** Arguments of `auth.verifyEmail`. */
export interface AuthVerifyEmailParams {
  token: string;
  registration_token?: string;
}

/** Arguments of `auth.login`. */
export interface AuthLoginParams {
  email: string;
  password: string;
  code?: string;
}

/** Arguments of `auth.refresh`. */
export interface AuthRefreshParams {
  refresh_token: string;
}

/** Arguments of `auth.forgotPassword`. */
export interface AuthForgotPasswordParams {
  email: string;
}

/** Arguments of `auth.resetPassword`. */
export interface AuthResetPasswordParams {
  token: string;
  new_password: string;
}

/** Arguments of `auth.updateProfile`. */
export interface AuthUpdateProfileParams {
  full_name?: string;
  default_organization?: string | null;
}

/** Arguments of `auth.changePassword`. */
export interface AuthChangePasswordParams {
  current_password: string;
  new_password: string;
  code?: string;
}

/** Arguments of `auth.twoFaSetup`. */
export interface AuthTwoFaSetupParams {
  password: string;
  code?: string;
}

/** Arguments of `auth.twoFaEnable`. */
export interface AuthTwoFaEnableParams {
  code: string;
}

/** Arguments of `auth.twoFaDisable`. */
export interface AuthTwoFaDisableParams {
  password: string;
  code?: string;
}

/** Arguments of `auth.deactivate`. */
export interface AuthDeactivateParams {
  password: string;
  code?: string;
}

/** Arguments of `audit.list`. */
export interface AuditListParams {
  limit?: number;
  cursor?: string | null;
  action?: string | null;
  since?: string | null;
}

/** Arguments of `keys.create`. */
export interface KeysCreateParams {
  name: string;
  monthly_spend_cap_usd?: Amount | null;
  rpm_limit?: number | null;
  tpm_limit?: number | null;
  max_parallel?: number | null;
  user_rpm_limit?: number | null;
  allowed_ips?: string[] | null;
  allowed_models?: string[] | null;
  expires_at?: string | null;
  region_policy?: "any" | "cn-only" | "overseas-only";
  alert_webhook_url?: string | null;
  can_manage_keys?: boolean;
  disabled?: boolean;
  cache?: "off" | "exact" | "semantic";
  cache_threshold?: number | null;
}

/** Arguments of `keys.list`. */
export interface KeysListParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `keys.update`. */
export interface KeysUpdateParams {
  name?: string;
  monthly_spend_cap_usd?: Amount | null;
  rpm_limit?: number | null;
  tpm_limit?: number | null;
  max_parallel?: number | null;
  user_rpm_limit?: number | null;
  allowed_ips?: string[] | null;
  allowed_models?: string[] | null;
  expires_at?: string | null;
  region_policy?: "any" | "cn-only" | "overseas-only";
  alert_webhook_url?: string | null;
  can_manage_keys?: boolean;
  disabled?: boolean;
  cache?: "off" | "exact" | "semantic";
  cache_threshold?: number | null;
}

/** Arguments of `keys.delete`. */
export interface KeysDeleteParams {
  keep_made?: boolean;
}

/** Arguments of `keys.revoke`. */
export interface KeysRevokeParams {
  keep_made?: boolean;
}

/** Arguments of `keys.updateSpendCap`. */
export interface KeysUpdateSpendCapParams {
  monthly_spend_cap_usd?: Amount | null;
  clear?: boolean;
}

/** Arguments of `keys.updateAlertWebhook`. */
export interface KeysUpdateAlertWebhookParams {
  url: string | null;
}

/** Arguments of `keys.updateRegionPolicy`. */
export interface KeysUpdateRegionPolicyParams {
  region_policy: "any" | "cn-only" | "overseas-only";
}

/** Arguments of `providerKeys.create`. */
export interface ProviderKeysCreateParams {
  provider: string;
  api_key: string;
  settings?: Record<string, string>;
  mode?: "first" | "only";
  name?: string | null;
  verify?: boolean;
}

/** Arguments of `providerKeys.update`. */
export interface ProviderKeysUpdateParams {
  name?: string;
  mode?: "first" | "only";
  api_key?: string;
  settings?: Record<string, string>;
  verify?: boolean;
}

/** Arguments of `mcpServers.create`. */
export interface McpServersCreateParams {
  name: string;
  url: string;
  token?: string | null;
}

/** Arguments of `billing.transactions`. */
export interface BillingTransactionsParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `billing.usage`. */
export interface BillingUsageParams {
  days?: number;
  group_by?: string;
  format?: "csv" | "json" | null;
}

/** Arguments of `billing.topup`. */
export interface BillingTopupParams {
  amount_usd: Amount;
  idempotency_key?: string | null;
  save_payment_method?: boolean;
}

/** Arguments of `billing.checkout`. */
export interface BillingCheckoutParams {
  amount_usd: Amount;
  idempotency_key?: string | null;
  save_payment_method?: boolean;
}

/** Arguments of `billing.receipts`. */
export interface BillingReceiptsParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `billing.setAutoTopup`. */
export interface BillingSetAutoTopupParams {
  enabled: boolean;
  threshold_usd?: Amount | null;
  amount_usd?: Amount | null;
  monthly_ceiling_usd?: Amount | null;
}

/** Arguments of `billing.setAlerts`. */
export interface BillingSetAlertsParams {
  low_balance_usd?: Amount | null;
  webhook_url?: string | null;
}

/** Arguments of `organizations.create`. */
export interface OrganizationsCreateParams {
  name: string;
}

/** Arguments of `organizations.acceptInvitation`. */
export interface OrganizationsAcceptInvitationParams {
  token: string;
}

/** Arguments of `organizations.declineInvitation`. */
export interface OrganizationsDeclineInvitationParams {
  token: string;
}

/** Arguments of `organizations.update`. */
export interface OrganizationsUpdateParams {
  name?: string;
}

/** Arguments of `organizations.transferOwner`. */
export interface OrganizationsTransferOwnerParams {
  new_owner_user_id: string;
}

/** Arguments of `organizations.inviteMember`. */
export interface OrganizationsInviteMemberParams {
  email: string;
  role?: "admin" | "developer" | "owner";
}

/** Arguments of `organizations.updateMember`. */
export interface OrganizationsUpdateMemberParams {
  role?: "admin" | "developer" | "owner";
  monthly_spend_cap_usd?: Amount | null;
}

/** Arguments of `webhooks.deliveries`. */
export interface WebhooksDeliveriesParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `conversations.create`. */
export interface ConversationsCreateParams {
  title?: string | null;
  metadata?: Record<string, any> | null;
  items?: Record<string, any>[] | null;
}

/** Arguments of `conversations.list`. */
export interface ConversationsListParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `conversations.update`. */
export interface ConversationsUpdateParams {
  title?: string | null;
  metadata?: Record<string, any> | null;
}

/** Arguments of `conversations.appendMessage`. */
export interface ConversationsAppendMessageParams {
  role: "assistant" | "system" | "tool" | "user";
  content: string;
}

/** Arguments of `conversations.createItems`. */
export interface ConversationsCreateItemsParams {
  items: Record<string, any>[];
}

/** Arguments of `conversations.listItems`. */
export interface ConversationsListItemsParams {
  limit?: number;
  after?: string | null;
  order?: "asc" | "desc";
}

/** Arguments of `memory.list`. */
export interface MemoryListParams {
  level?: "task" | "tenant";
  task_id?: string | null;
}

/** Arguments of `realtime.clientSecrets.create`. */
export interface RealtimeClientSecretsCreateParams {
  expires_after?: ExpiresAfterParam;
  session: Record<string, any>;
}

/** Arguments of `feedback.submit`. */
export interface FeedbackSubmitParams {
  generation_id: string;
  rating: -1 | 1;
  comment?: string | null;
  tags?: string[] | null;
}

/** Arguments of `feedback.summary`. */
export interface FeedbackSummaryParams {
  days?: number;
}

/** Arguments of `cache.stats`. */
export interface CacheStatsParams {
  days?: number;
}

/** Arguments of `files.presign`. */
export interface FilesPresignParams {
  purpose: "generation" | "reference_image" | "user_data" | "vision";
  size: number;
  type: string;
  filename?: string;
}

/** Arguments of `generation.uploads.upload`. */
export interface GenerationUploadsUploadParams {
  file: Uploadable;
}

/** Arguments of `files.create`. */
export interface FilesCreateParams {
  file: Uploadable;
  purpose?: string;
  expires_after?: Record<string, any> | null;
}

/** Arguments of `files.list`. */
export interface FilesListParams {
  limit?: number;
  after?: string | null;
  after_id?: string | null;
  before_id?: string | null;
  order?: "asc" | "desc";
  purpose?: "user_data" | "vision" | null;
}

/** Arguments of `videos.generate`. */
export interface VideosGenerateParams {
  model: string;
  prompt?: string | null;
  duration_sec?: number | null;
  aspect_ratio?: "16:9" | "1:1" | "3:4" | "4:3" | "9:16" | null;
  reference_image_url?: string | null;
  negative_prompt?: string | null;
  seed?: number | null;
  webhook_url?: string | null;
  provider?: PreferencesParam;
}

/** Arguments of `models3d.generate`. */
export interface Models3dGenerateParams {
  model: string;
  prompt?: string | null;
  reference_image_url?: string | null;
  output_format?: "fbx" | "glb" | "obj" | "stl" | "usdz";
  seed?: number | null;
  webhook_url?: string | null;
  provider?: PreferencesParam;
}

/** Arguments of `jobs.list`. */
export interface JobsListParams {
  limit?: number;
  cursor?: string | null;
}

/** Arguments of `videos.create`. */
export interface VideosCreateParams {
  prompt: string;
  model?: string;
  seconds?: Amount;
  size?: "1024x1792" | "1280x720" | "1792x1024" | "720x1280" | null;
  input_reference?: Uploadable | Record<string, any> | null;
}

/** Arguments of `videos.list`. */
export interface VideosListParams {
  limit?: number;
  after?: string | null;
  order?: "asc" | "desc";
}

/** Arguments of `videos.content`. */
export interface VideosContentParams {
  variant?: "spritesheet" | "thumbnail" | "video";
}

/** Arguments of `agents.run`. */
export interface AgentsRunParams {
  task: string;
  model?: string;
  tools?: string[] | null;
  max_steps?: number;
  rag_documents?: string[];
  system_prompt?: string | null;
  wait?: boolean;
  timeout_sec?: number;
  enable_verifier?: boolean;
  verifier_threshold?: number;
  max_cost_usd?: Amount | null;
}

/** Arguments of `agents.runStream`. */
export interface AgentsRunStreamParams {
  task: string;
  model?: string;
  tools?: string[] | null;
  max_steps?: number;
  rag_documents?: string[];
  system_prompt?: string | null;
  wait?: boolean;
  timeout_sec?: number;
  enable_verifier?: boolean;
  verifier_threshold?: number;
  max_cost_usd?: Amount | null;
}

/** Arguments of `tasks.submit`. */
export interface TasksSubmitParams {
  goal: string;
  model?: string;
  tools?: string[] | null;
  deliverables?: DeliverableBodyParam[];
  budget_usd?: Amount | null;
  deadline_sec?: number;
  wait?: boolean;
  enable_planner?: boolean;
  planner_model?: string;
  planner_n_candidates?: number;
  auto_repair_max_rounds?: number;
  autonomy_level?: "L1" | "L2" | "L3";
  max_steps?: number;
  rag_documents?: string[];
}

/** Arguments of `tasks.list`. */
export interface TasksListParams {
  limit?: number;
  cursor?: string | null;
}
