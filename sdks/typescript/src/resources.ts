// Resources of the client.
// Written by `sdks/typescript/generate.py`.

import { Transport } from "./client.js";
import {
  ChatCompletionsBase,
} from "./chat_stream.js";
import {
  UploadsBase,
} from "./uploads.js";
import {
  AgentsBase,
  JobsBase,
  Models3dBase,
  TasksBase,
  VideosBase,
} from "./waiting.js";
import {
  WebhooksBase,
} from "./webhooks.js";
import { Resource } from "./resource.js";
import type { APIPromise, PagePromise } from "./promises.js";
import { part, type HttpResponse, type RequestOptions } from "./request.js";
import type { Stream } from "./streaming.js";
import type {
  AcceptedJob,
  AccountExport,
  AuditEntry,
  AutoTopUpView,
  Balance,
  BillingAlerts,
  CacheDeleted,
  CacheStats,
  ChatCompletion,
  ChatCompletionChunk,
  Checkout,
  ClientSecret,
  Compaction,
  Completion,
  Conversation,
  ConversationDeleted,
  ConversationDetail,
  ConversationMessage,
  CreatedKey,
  Deactivated,
  Deleted,
  EmbeddingList,
  Feedback,
  FeedbackSummary,
  File,
  Health,
  ImageEvent,
  Images,
  InvitationAnswer,
  InvitationView,
  Item,
  Job,
  Key,
  LetterSent,
  McpServer,
  MemberAnswer,
  MemberView,
  Memory,
  MemoryDeleted,
  Message,
  MessageEvent,
  MessageTokens,
  Model,
  Moderation,
  Organization,
  OrganizationAnswer,
  OrganizationDeleted,
  PasswordChanged,
  Plan,
  PresignedUpload,
  ProviderKey,
  Receipt,
  Reranking,
  Response,
  ResponseDeleted,
  ResponseEvent,
  ResponseTokens,
  RouteAnswer,
  Run,
  RunSummary,
  SessionEnded,
  SessionTokens,
  SessionView,
  SpeechEvent,
  Task,
  Transaction,
  Transcript,
  TranscriptEvent,
  TwoFactorEnabled,
  TwoFactorSetup,
  TwoFactorStatus,
  UpgradeHint,
  UsageReport,
  User,
  Video,
  WebhookDelivery,
  WebhookSecret,
} from "./types.js";
import type {
  AgentsRunParams,
  AudioSpeechCreateParams,
  AudioTranscriptionsCreateParams,
  AudioTranslationsCreateParams,
  AuditListParams,
  AuthChangePasswordParams,
  AuthDeactivateParams,
  AuthForgotPasswordParams,
  AuthLoginParams,
  AuthRefreshParams,
  AuthRegisterParams,
  AuthResetPasswordParams,
  AuthTwoFaDisableParams,
  AuthTwoFaEnableParams,
  AuthTwoFaSetupParams,
  AuthUpdateProfileParams,
  AuthVerifyEmailParams,
  BillingCheckoutParams,
  BillingReceiptsParams,
  BillingSetAlertsParams,
  BillingSetAutoTopupParams,
  BillingTopupParams,
  BillingTransactionsParams,
  BillingUsageParams,
  CacheStatsParams,
  ChatCompletionsCreateParams,
  ChatCompletionsRouteParams,
  CompletionsCreateParams,
  ConversationsAppendMessageParams,
  ConversationsCreateItemsParams,
  ConversationsCreateParams,
  ConversationsListItemsParams,
  ConversationsListParams,
  ConversationsUpdateParams,
  EmbeddingsCreateParams,
  FeedbackSubmitParams,
  FeedbackSummaryParams,
  FilesCreateParams,
  FilesListParams,
  FilesPresignParams,
  ImagesCreateVariationParams,
  ImagesEditParams,
  ImagesGenerateParams,
  JobsListParams,
  KeysCreateParams,
  KeysDeleteParams,
  KeysListParams,
  KeysRevokeParams,
  KeysUpdateAlertWebhookParams,
  KeysUpdateParams,
  KeysUpdateRegionPolicyParams,
  KeysUpdateSpendCapParams,
  McpServersCreateParams,
  MemoryListParams,
  MessagesCountTokensParams,
  MessagesCreateParams,
  Models3dGenerateParams,
  ModerationsCreateParams,
  OrganizationsAcceptInvitationParams,
  OrganizationsCreateParams,
  OrganizationsDeclineInvitationParams,
  OrganizationsInviteMemberParams,
  OrganizationsTransferOwnerParams,
  OrganizationsUpdateMemberParams,
  OrganizationsUpdateParams,
  ProviderKeysCreateParams,
  ProviderKeysUpdateParams,
  RealtimeClientSecretsCreateParams,
  RerankCreateParams,
  ResponsesCompactParams,
  ResponsesCountTokensParams,
  ResponsesCreateParams,
  ResponsesGetParams,
  ResponsesListInputItemsParams,
  TasksListParams,
  TasksSubmitParams,
  VideosContentParams,
  VideosCreateParams,
  VideosGenerateParams,
  VideosListParams,
  WebhooksDeliveriesParams,
} from "./params.js";

/** Methods of `client.audio.speech`. */
export class AudioSpeechResource extends Resource {
  /** Speaks a text. */
  create(
    params: AudioSpeechCreateParams
      & { stream_format: "sse" },
    options?: RequestOptions,
  ): APIPromise<Stream<SpeechEvent>>;
  create(
    params: AudioSpeechCreateParams
      & { stream_format?: "audio" | null },
    options?: RequestOptions,
  ): APIPromise<HttpResponse>;
  create(params: AudioSpeechCreateParams, options?: RequestOptions): APIPromise<HttpResponse | Stream<SpeechEvent>>;
  create(params: AudioSpeechCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/audio/speech", params, hasBody: true, options });
  }
}

/** Methods of `client.audio.transcriptions`. */
export class AudioTranscriptionsResource extends Resource {
  /** Writes a recording down. */
  create(
    params: AudioTranscriptionsCreateParams
      & { response_format: "srt" | "text" | "vtt" },
    options?: RequestOptions,
  ): APIPromise<string>;
  create(
    params: AudioTranscriptionsCreateParams
      & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<TranscriptEvent>>;
  create(
    params: AudioTranscriptionsCreateParams
      & { response_format?: "diarized_json" | "json" | "verbose_json" | null }
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<Transcript>;
  create(
    params: AudioTranscriptionsCreateParams,
    options?: RequestOptions,
  ): APIPromise<Transcript | string | Stream<TranscriptEvent>>;
  create(params: AudioTranscriptionsCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({
      method: "POST",
      path: "/v1/audio/transcriptions",
      params,
      hasBody: true,
      isForm: true,
      options,
    });
  }
}

/** Methods of `client.audio.translations`. */
export class AudioTranslationsResource extends Resource {
  /** Writes a recording down in English. */
  create(
    params: AudioTranslationsCreateParams
      & { response_format: "srt" | "text" | "vtt" },
    options?: RequestOptions,
  ): APIPromise<string>;
  create(
    params: AudioTranslationsCreateParams
      & { response_format?: "diarized_json" | "json" | "verbose_json" | null },
    options?: RequestOptions,
  ): APIPromise<Transcript>;
  create(params: AudioTranslationsCreateParams, options?: RequestOptions): APIPromise<Transcript | string>;
  create(params: AudioTranslationsCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({
      method: "POST",
      path: "/v1/audio/translations",
      params,
      hasBody: true,
      isForm: true,
      options,
    });
  }
}

/** Methods of `client.chat.completions`. */
export class ChatCompletionsResource extends ChatCompletionsBase {
  /** Answers a conversation. */
  create(
    params: ChatCompletionsCreateParams
      & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<ChatCompletionChunk>>;
  create(
    params: ChatCompletionsCreateParams
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<ChatCompletion>;
  create(
    params: ChatCompletionsCreateParams,
    options?: RequestOptions,
  ): APIPromise<ChatCompletion | Stream<ChatCompletionChunk>>;
  create(params: ChatCompletionsCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/chat/completions", params, hasBody: true, options });
  }

  /** Explains what would serve a chat request, free of charge. */
  route(params: ChatCompletionsRouteParams, options?: RequestOptions): APIPromise<RouteAnswer> {
    return this.client.ask({ method: "POST", path: "/v1/route", params, hasBody: true, options });
  }
}

/** Methods of `client.generation.uploads`. */
export class GenerationUploadsResource extends UploadsBase {

}

/** Methods of `client.realtime.clientSecrets`. */
export class RealtimeClientSecretsResource extends Resource {
  /** Mints a secret, whose hold counts as a request. */
  create(params: RealtimeClientSecretsCreateParams, options?: RequestOptions): APIPromise<ClientSecret> {
    return this.client.ask({
      method: "POST",
      path: "/v1/realtime/client_secrets",
      params,
      hasBody: true,
      secrets: ["value"],
      options,
    });
  }
}

/** Methods of `client.agents`. */
export class AgentsResource extends AgentsBase {
  /** Begins a run of an agent; waits for it unless told not to. */
  run(params: AgentsRunParams, options?: RequestOptions): APIPromise<Run> {
    return this.client.ask({ method: "POST", path: "/v1/agents/run", params, hasBody: true, options });
  }
}

/** Methods of `client.audio`. */
export class AudioResource extends Resource {
  /** Methods of `audio.speech`. */
  readonly speech = new AudioSpeechResource(this.client);

  /** Methods of `audio.transcriptions`. */
  readonly transcriptions = new AudioTranscriptionsResource(this.client);

  /** Methods of `audio.translations`. */
  readonly translations = new AudioTranslationsResource(this.client);
}

/** Methods of `client.audit`. */
export class AuditResource extends Resource {
  /** Lists what was done to the account, newest first; an entry is kept for 400 days. */
  list(params?: AuditListParams, options?: RequestOptions): PagePromise<AuditEntry> {
    return this.client.page({
      method: "GET",
      path: "/v1/audit",
      params,
      query: ["limit", "cursor", "action", "since"],
      options,
    });
  }
}

/** Methods of `client.auth`. */
export class AuthResource extends Resource {
  /** Mails the link that completes a registration; an address that is registered gets an answer of the same form. */
  register(params: AuthRegisterParams, options?: RequestOptions): APIPromise<LetterSent> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/register",
      params,
      hasBody: true,
      secrets: ["registration_token"],
      needsKey: false,
      options,
    });
  }

  /** Makes the person, and the account, of the registration whose link was mailed. */
  verifyEmail(params: AuthVerifyEmailParams, options?: RequestOptions): APIPromise<User> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/verify-email",
      params,
      hasBody: true,
      needsKey: false,
      options,
    });
  }

  /** Opens a session; `code` is that of the second factor, or a recovery code. */
  login(params: AuthLoginParams, options?: RequestOptions): APIPromise<SessionTokens> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/login",
      params,
      hasBody: true,
      secrets: ["access_token", "refresh_token"],
      needsKey: false,
      options,
    });
  }

  /** Replaces a session's tokens; a refresh token that was used before ends the session. */
  refresh(params: AuthRefreshParams, options?: RequestOptions): APIPromise<SessionTokens> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/refresh",
      params,
      hasBody: true,
      secrets: ["access_token", "refresh_token"],
      needsKey: false,
      options,
    });
  }

  /** Mails the link by which a password is reset; the answer is the same for an unknown address. */
  forgotPassword(params: AuthForgotPasswordParams, options?: RequestOptions): APIPromise<LetterSent> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/forgot-password",
      params,
      hasBody: true,
      secrets: ["registration_token"],
      needsKey: false,
      options,
    });
  }

  /** Sets a new password by a mailed token, and ends all sessions. */
  resetPassword(params: AuthResetPasswordParams, options?: RequestOptions): APIPromise<PasswordChanged> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/reset-password",
      params,
      hasBody: true,
      needsKey: false,
      options,
    });
  }

  /** Shows the person; the key of an account without one is shown the account. */
  me(options?: RequestOptions): APIPromise<User> {
    return this.client.ask({ method: "GET", path: "/v1/auth/me", options });
  }

  /** Changes what a person says of itself. */
  updateProfile(params?: AuthUpdateProfileParams, options?: RequestOptions): APIPromise<User> {
    return this.client.ask({ method: "PATCH", path: "/v1/auth/profile", params, hasBody: true, options });
  }

  /** Sets a new password, for the one so far, and ends all sessions, this one too. */
  changePassword(params: AuthChangePasswordParams, options?: RequestOptions): APIPromise<PasswordChanged> {
    return this.client.ask({ method: "POST", path: "/v1/auth/change-password", params, hasBody: true, options });
  }

  /** Shows whether a second factor is on; without a person there is none. */
  twoFaStatus(options?: RequestOptions): APIPromise<TwoFactorStatus> {
    return this.client.ask({ method: "GET", path: "/v1/auth/2fa/status", options });
  }

  /** Draws the secret of a second factor, shown this once; it counts once `enable` has had a code of it. */
  twoFaSetup(params: AuthTwoFaSetupParams, options?: RequestOptions): APIPromise<TwoFactorSetup> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/2fa/setup",
      params,
      hasBody: true,
      secrets: ["secret", "otpauth_uri"],
      options,
    });
  }

  /** Turns the second factor on by a code of the new secret; recovery codes are shown this once. */
  twoFaEnable(params: AuthTwoFaEnableParams, options?: RequestOptions): APIPromise<TwoFactorEnabled> {
    return this.client.ask({
      method: "POST",
      path: "/v1/auth/2fa/enable",
      params,
      hasBody: true,
      secrets: ["recovery_codes"],
      options,
    });
  }

  /** Turns the second factor off, for the password and a code. */
  twoFaDisable(params: AuthTwoFaDisableParams, options?: RequestOptions): APIPromise<TwoFactorStatus> {
    return this.client.ask({ method: "POST", path: "/v1/auth/2fa/disable", params, hasBody: true, options });
  }

  /** Shows all that is stored of the person and its account, but for secrets and content. */
  export(options?: RequestOptions): APIPromise<AccountExport> {
    return this.client.ask({ method: "GET", path: "/v1/auth/export", options });
  }

  /** Ends the account for good and erases the person, for the password and a code. */
  deactivate(params: AuthDeactivateParams, options?: RequestOptions): APIPromise<Deactivated> {
    return this.client.ask({ method: "POST", path: "/v1/auth/deactivate", params, hasBody: true, options });
  }

  /** Ends the session that the call is made in. */
  logout(options?: RequestOptions): APIPromise<SessionEnded> {
    return this.client.ask({ method: "POST", path: "/v1/auth/logout", options });
  }

  /** Lists the sessions that go on, the last used one first: there is one page. */
  listSessions(options?: RequestOptions): PagePromise<SessionView> {
    return this.client.page({ method: "GET", path: "/v1/auth/sessions", options });
  }

  /** Ends one of the person's sessions; its tokens start nothing new after 5 s. */
  revokeSession(sessionId: string, options?: RequestOptions): APIPromise<SessionEnded> {
    return this.client.ask({ method: "DELETE", path: `/v1/auth/sessions/${part(sessionId)}`, options });
  }
}

/** Methods of `client.billing`. */
export class BillingResource extends Resource {
  /** Shows the free and the held money. */
  balance(options?: RequestOptions): APIPromise<Balance> {
    return this.client.ask({ method: "GET", path: "/v1/billing/balance", options });
  }

  /** Lists the ledger's entries, newest first. */
  transactions(params?: BillingTransactionsParams, options?: RequestOptions): PagePromise<Transaction> {
    return this.client.page({
      method: "GET",
      path: "/v1/billing/transactions",
      params,
      query: ["limit", "cursor"],
      options,
    });
  }

  /** Reports requests, tokens and cost by day and by tier, and by what is asked for. */
  usage(params: BillingUsageParams & { format: "csv" }, options?: RequestOptions): APIPromise<string>;
  usage(params?: BillingUsageParams & { format?: string | null }, options?: RequestOptions): APIPromise<UsageReport>;
  usage(params?: BillingUsageParams, options?: RequestOptions): APIPromise<UsageReport | string>;
  usage(params?: BillingUsageParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({
      method: "GET",
      path: "/v1/billing/usage",
      params,
      query: ["days", "group_by", "format"],
      options,
    });
  }

  /** Shows the account's plan. */
  getPlan(options?: RequestOptions): APIPromise<Plan> {
    return this.client.ask({ method: "GET", path: "/v1/billing/plan", options });
  }

  /** Lists the plans: there is one page. */
  plans(options?: RequestOptions): PagePromise<Plan> {
    return this.client.page({ method: "GET", path: "/v1/billing/plans", options });
  }

  /** Names the plan by which the last 30 days would have cost at least a percent less, if there is one. */
  upgradeHint(options?: RequestOptions): APIPromise<UpgradeHint> {
    return this.client.ask({ method: "GET", path: "/v1/billing/upgrade-hint", options });
  }

  /** Opens a page on which the account is topped up, once under the same key. */
  topup(params: BillingTopupParams, options?: RequestOptions): APIPromise<Checkout> {
    return this.client.ask({ method: "POST", path: "/v1/billing/topup", params, hasBody: true, options });
  }

  /** Opens a page on which the account is topped up, once under the same key. */
  checkout(params: BillingCheckoutParams, options?: RequestOptions): APIPromise<Checkout> {
    return this.client.ask({ method: "POST", path: "/v1/billing/checkout", params, hasBody: true, options });
  }

  /** Lists the payments that were made, newest first. */
  receipts(params?: BillingReceiptsParams, options?: RequestOptions): PagePromise<Receipt> {
    return this.client.page({
      method: "GET",
      path: "/v1/billing/receipts",
      params,
      query: ["limit", "cursor"],
      options,
    });
  }

  /** Shows the automatic top-up. */
  getAutoTopup(options?: RequestOptions): APIPromise<AutoTopUpView> {
    return this.client.ask({ method: "GET", path: "/v1/billing/auto-topup", options });
  }

  /** Turns the automatic top-up on or off; a change has a refused one tried again. */
  setAutoTopup(params: BillingSetAutoTopupParams, options?: RequestOptions): APIPromise<AutoTopUpView> {
    return this.client.ask({ method: "PUT", path: "/v1/billing/auto-topup", params, hasBody: true, options });
  }

  /** Shows below which balance the owner is told, and where. */
  getAlerts(options?: RequestOptions): APIPromise<BillingAlerts> {
    return this.client.ask({ method: "GET", path: "/v1/billing/alerts", options });
  }

  /** Sets below which balance the owner is told, by mail and at a webhook; a member left out is removed. */
  setAlerts(params?: BillingSetAlertsParams, options?: RequestOptions): APIPromise<BillingAlerts> {
    return this.client.ask({ method: "PUT", path: "/v1/billing/alerts", params, hasBody: true, options });
  }
}

/** Methods of `client.cache`. */
export class CacheResource extends Resource {
  /** Reports the hits, misses and savings of the account's last days. */
  stats(params?: CacheStatsParams, options?: RequestOptions): APIPromise<CacheStats> {
    return this.client.ask({ method: "GET", path: "/v1/cache/stats", params, query: ["days"], options });
  }

  /** Deletes the account's kept answers; its counts stay. */
  delete(options?: RequestOptions): APIPromise<CacheDeleted> {
    return this.client.ask({ method: "DELETE", path: "/v1/cache", options });
  }
}

/** Methods of `client.chat`. */
export class ChatResource extends Resource {
  /** Methods of `chat.completions`. */
  readonly completions = new ChatCompletionsResource(this.client);
}

/** Methods of `client.completions`. */
export class CompletionsResource extends Resource {
  /** Continues a prompt, on OpenAI's legacy wire. */
  create(params: CompletionsCreateParams & { stream: true }, options?: RequestOptions): APIPromise<Stream<Completion>>;
  create(
    params: CompletionsCreateParams
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<Completion>;
  create(params: CompletionsCreateParams, options?: RequestOptions): APIPromise<Completion | Stream<Completion>>;
  create(params: CompletionsCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/completions", params, hasBody: true, options });
  }
}

/** Methods of `client.conversations`. */
export class ConversationsResource extends Resource {
  /** Creates a conversation, with its first items where there are some. */
  create(params?: ConversationsCreateParams, options?: RequestOptions): APIPromise<Conversation> {
    return this.client.ask({ method: "POST", path: "/v1/conversations", params, hasBody: true, options });
  }

  /** Lists the account's conversations, newest first. */
  list(params?: ConversationsListParams, options?: RequestOptions): PagePromise<Conversation> {
    return this.client.page({
      method: "GET",
      path: "/v1/conversations",
      params,
      query: ["limit", "cursor"],
      options,
    });
  }

  /** Shows a conversation with its newest messages. */
  get(conversationId: string, options?: RequestOptions): APIPromise<ConversationDetail> {
    return this.client.ask({ method: "GET", path: `/v1/conversations/${part(conversationId)}`, options });
  }

  /** Changes the title and the metadata that are given. */
  update(
    conversationId: string,
    params?: ConversationsUpdateParams,
    options?: RequestOptions,
  ): APIPromise<Conversation> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/conversations/${part(conversationId)}`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Deletes a conversation and all that was said in it. */
  delete(conversationId: string, options?: RequestOptions): APIPromise<ConversationDeleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/conversations/${part(conversationId)}`, options });
  }

  /** Stores a message; calls no model. */
  appendMessage(
    conversationId: string,
    params: ConversationsAppendMessageParams,
    options?: RequestOptions,
  ): APIPromise<ConversationMessage> {
    return this.client.ask({
      method: "POST",
      path: `/v1/conversations/${part(conversationId)}/messages`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Stores items; calls no model. */
  createItems(
    conversationId: string,
    params: ConversationsCreateItemsParams,
    options?: RequestOptions,
  ): PagePromise<Item> {
    return this.client.page({
      method: "POST",
      path: `/v1/conversations/${part(conversationId)}/items`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Lists the items of a conversation, newest first unless asked otherwise. */
  listItems(
    conversationId: string,
    params?: ConversationsListItemsParams,
    options?: RequestOptions,
  ): PagePromise<Item> {
    return this.client.page({
      method: "GET",
      path: `/v1/conversations/${part(conversationId)}/items`,
      params,
      query: ["limit", "after", "order"],
      options,
    });
  }

  /** Shows an item. */
  getItem(conversationId: string, itemId: string, options?: RequestOptions): APIPromise<Item> {
    return this.client.ask({
      method: "GET",
      path: `/v1/conversations/${part(conversationId)}/items/${part(itemId)}`,
      options,
    });
  }

  /** Deletes an item, and shows the conversation. */
  deleteItem(conversationId: string, itemId: string, options?: RequestOptions): APIPromise<Conversation> {
    return this.client.ask({
      method: "DELETE",
      path: `/v1/conversations/${part(conversationId)}/items/${part(itemId)}`,
      options,
    });
  }
}

/** Methods of `client.embeddings`. */
export class EmbeddingsResource extends Resource {
  /** Makes vectors of texts or pictures. */
  create(params: EmbeddingsCreateParams, options?: RequestOptions): APIPromise<EmbeddingList> {
    return this.client.ask({ method: "POST", path: "/v1/embeddings", params, hasBody: true, options });
  }
}

/** Methods of `client.feedback`. */
export class FeedbackResource extends Resource {
  /** Rates a generation of the account; a later rating by the same user takes the place of the one before. */
  submit(params: FeedbackSubmitParams, options?: RequestOptions): APIPromise<Feedback> {
    return this.client.ask({ method: "POST", path: "/v1/feedback", params, hasBody: true, options });
  }

  /** Reports the ratings of the last days by model, key and tag. */
  summary(params?: FeedbackSummaryParams, options?: RequestOptions): APIPromise<FeedbackSummary> {
    return this.client.ask({ method: "GET", path: "/v1/feedback/summary", params, query: ["days"], options });
  }
}

/** Methods of `client.files`. */
export class FilesResource extends Resource {
  /** Creates a form for a file that is too large for a request. */
  presign(params: FilesPresignParams, options?: RequestOptions): APIPromise<PresignedUpload> {
    return this.client.ask({ method: "POST", path: "/v1/files/presign", params, hasBody: true, options });
  }

  /** Stores a file, whose upload is counted before it is read. */
  create(params: FilesCreateParams, options?: RequestOptions): APIPromise<File> {
    return this.client.ask({ method: "POST", path: "/v1/files", params, hasBody: true, isForm: true, options });
  }

  /** Lists the account's files, newest first unless asked otherwise. */
  list(params?: FilesListParams, options?: RequestOptions): PagePromise<File> {
    return this.client.page({
      method: "GET",
      path: "/v1/files",
      params,
      query: ["limit", "after", "after_id", "before_id", "order", "purpose"],
      options,
    });
  }

  /** Shows one file. */
  get(fileId: string, options?: RequestOptions): APIPromise<File> {
    return this.client.ask({ method: "GET", path: `/v1/files/${part(fileId)}`, options });
  }

  /** Deletes a file and its content. */
  delete(fileId: string, options?: RequestOptions): APIPromise<Deleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/files/${part(fileId)}`, options });
  }

  /** Sends on to the content: an answer of ours could not be longer than 6 MB. */
  content(fileId: string, options?: RequestOptions): APIPromise<HttpResponse> {
    return this.client.ask({ method: "GET", path: `/v1/files/${part(fileId)}/content`, options });
  }
}

/** Methods of `client.generation`. */
export class GenerationResource extends Resource {
  /** Methods of `generation.uploads`. */
  readonly uploads = new GenerationUploadsResource(this.client);

  /** Lists the models and their prices. */
  models(options?: RequestOptions): PagePromise<Model> {
    return this.client.page({ method: "GET", path: "/v1/generation/models", options });
  }
}

/** Methods of `client.images`. */
export class ImagesResource extends Resource {
  /** Draws pictures of a prompt. */
  generate(params: ImagesGenerateParams & { background: true }, options?: RequestOptions): APIPromise<AcceptedJob>;
  generate(params: ImagesGenerateParams & { stream: true }, options?: RequestOptions): APIPromise<Stream<ImageEvent>>;
  generate(
    params: ImagesGenerateParams
      & { background?: false | string | null }
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<Images>;
  generate(
    params: ImagesGenerateParams,
    options?: RequestOptions,
  ): APIPromise<Images | AcceptedJob | Stream<ImageEvent>>;
  generate(params: ImagesGenerateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/images/generations", params, hasBody: true, options });
  }

  /** Changes pictures. */
  edit(params: ImagesEditParams & { background: true }, options?: RequestOptions): APIPromise<AcceptedJob>;
  edit(params: ImagesEditParams & { stream: true }, options?: RequestOptions): APIPromise<Stream<ImageEvent>>;
  edit(
    params: ImagesEditParams
      & { background?: false | string | null }
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<Images>;
  edit(params: ImagesEditParams, options?: RequestOptions): APIPromise<Images | AcceptedJob | Stream<ImageEvent>>;
  edit(params: ImagesEditParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({
      method: "POST",
      path: "/v1/images/edits",
      params,
      hasBody: true,
      isForm: true,
      options,
    });
  }

  /** Varies a picture. */
  createVariation(params: ImagesCreateVariationParams, options?: RequestOptions): APIPromise<Images> {
    return this.client.ask({
      method: "POST",
      path: "/v1/images/variations",
      params,
      hasBody: true,
      isForm: true,
      options,
    });
  }
}

/** Methods of `client.jobs`. */
export class JobsResource extends JobsBase {
  /** Lists the account's jobs, newest first. */
  list(params?: JobsListParams, options?: RequestOptions): PagePromise<Job> {
    return this.client.page({
      method: "GET",
      path: "/v1/generation/jobs",
      params,
      query: ["limit", "cursor"],
      options,
    });
  }

  /** Shows a job, with freshly signed URLs of its results. */
  get(jobId: string, options?: RequestOptions): APIPromise<Job> {
    return this.client.ask({ method: "GET", path: `/v1/generation/jobs/${part(jobId)}`, options });
  }

  /** Cancels a job that has not ended; it is not charged. */
  cancel(jobId: string, options?: RequestOptions): APIPromise<Job> {
    return this.client.ask({ method: "POST", path: `/v1/generation/jobs/${part(jobId)}/cancel`, options });
  }
}

/** Methods of `client.keys`. */
export class KeysResource extends Resource {
  /** Creates a key, for a person without a balance too; shown once, and in repeats of its Idempotency-Key. */
  create(params: KeysCreateParams, options?: RequestOptions): APIPromise<CreatedKey> {
    return this.client.ask({
      method: "POST",
      path: "/v1/keys",
      params,
      hasBody: true,
      secrets: ["full_key"],
      options,
    });
  }

  /** Lists the account's keys, newest first, revoked ones included. */
  list(params?: KeysListParams, options?: RequestOptions): PagePromise<Key> {
    return this.client.page({ method: "GET", path: "/v1/keys", params, query: ["limit", "cursor"], options });
  }

  /** Shows a key. */
  get(keyId: string, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({ method: "GET", path: `/v1/keys/${part(keyId)}`, options });
  }

  /** Changes the settings that are given. */
  update(keyId: string, params?: KeysUpdateParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({ method: "PATCH", path: `/v1/keys/${part(keyId)}`, params, hasBody: true, options });
  }

  /** Revokes a key for good, with the keys that it has made; they start nothing new after 5 s. */
  delete(keyId: string, params?: KeysDeleteParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({
      method: "DELETE",
      path: `/v1/keys/${part(keyId)}`,
      params,
      query: ["keep_made"],
      options,
    });
  }

  /** Revokes a key for good, with the keys that it has made; they start nothing new after 5 s. */
  revoke(keyId: string, params?: KeysRevokeParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({
      method: "POST",
      path: `/v1/keys/${part(keyId)}/revoke`,
      params,
      query: ["keep_made"],
      options,
    });
  }

  /** Sets the key's bound on spend in a calendar month. */
  updateSpendCap(keyId: string, params?: KeysUpdateSpendCapParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/keys/${part(keyId)}/spend-cap`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Sets the destination of the key's alerts. */
  updateAlertWebhook(keyId: string, params: KeysUpdateAlertWebhookParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/keys/${part(keyId)}/alert-webhook`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Sets the regions in which the key's requests may be served. */
  updateRegionPolicy(keyId: string, params: KeysUpdateRegionPolicyParams, options?: RequestOptions): APIPromise<Key> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/keys/${part(keyId)}/region-policy`,
      params,
      hasBody: true,
      options,
    });
  }
}

/** Methods of `client.mcpServers`. */
export class McpServersResource extends Resource {
  /** Registers a server, once it has said which tools it has; its token is never shown. */
  create(params: McpServersCreateParams, options?: RequestOptions): APIPromise<McpServer> {
    return this.client.ask({ method: "POST", path: "/v1/mcp/servers", params, hasBody: true, options });
  }

  /** Lists the account's servers, by name: there is one page. */
  list(options?: RequestOptions): PagePromise<McpServer> {
    return this.client.page({ method: "GET", path: "/v1/mcp/servers", options });
  }

  /** Shows a server and its tools. */
  get(mcpServerId: string, options?: RequestOptions): APIPromise<McpServer> {
    return this.client.ask({ method: "GET", path: `/v1/mcp/servers/${part(mcpServerId)}`, options });
  }

  /** Removes a server for good. */
  delete(mcpServerId: string, options?: RequestOptions): APIPromise<McpServer> {
    return this.client.ask({ method: "DELETE", path: `/v1/mcp/servers/${part(mcpServerId)}`, options });
  }

  /** Asks a server for its tools anew; counted as work, as registering one is. */
  refresh(mcpServerId: string, options?: RequestOptions): APIPromise<McpServer> {
    return this.client.ask({ method: "POST", path: `/v1/mcp/servers/${part(mcpServerId)}/refresh`, options });
  }
}

/** Methods of `client.memory`. */
export class MemoryResource extends Resource {
  /** Lists memories by their keys; all of them, since there are 256 at most. */
  list(params?: MemoryListParams, options?: RequestOptions): PagePromise<Memory> {
    return this.client.page({ method: "GET", path: "/v1/memory", params, query: ["level", "task_id"], options });
  }

  /** Deletes what the account's agents remember under a key. */
  delete(key: string, options?: RequestOptions): APIPromise<MemoryDeleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/memory/${part(key, true)}`, options });
  }
}

/** Methods of `client.messages`. */
export class MessagesResource extends Resource {
  /** Answers a conversation on Anthropic's wire. */
  create(params: MessagesCreateParams & { stream: true }, options?: RequestOptions): APIPromise<Stream<MessageEvent>>;
  create(params: MessagesCreateParams & { stream?: false | null }, options?: RequestOptions): APIPromise<Message>;
  create(params: MessagesCreateParams, options?: RequestOptions): APIPromise<Message | Stream<MessageEvent>>;
  create(params: MessagesCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/messages", params, hasBody: true, options });
  }

  /** Counts the tokens of a prompt on Anthropic's wire, free of charge. */
  countTokens(params: MessagesCountTokensParams, options?: RequestOptions): APIPromise<MessageTokens> {
    return this.client.ask({ method: "POST", path: "/v1/messages/count_tokens", params, hasBody: true, options });
  }
}

/** Methods of `client.models`. */
export class ModelsResource extends Resource {
  /** Lists the models that the key may use and reach. */
  list(options?: RequestOptions): PagePromise<Model> {
    return this.client.page({ method: "GET", path: "/v1/models", options });
  }

  /** Shows a model; its id may hold slashes. */
  get(modelId: string, options?: RequestOptions): APIPromise<Model> {
    return this.client.ask({ method: "GET", path: `/v1/models/${part(modelId, true)}`, options });
  }
}

/** Methods of `client.models3d`. */
export class Models3dResource extends Models3dBase {
  /** Creates a 3D model, asynchronously. */
  generate(params: Models3dGenerateParams, options?: RequestOptions): APIPromise<AcceptedJob> {
    return this.client.ask({ method: "POST", path: "/v1/3d/generations", params, hasBody: true, options });
  }
}

/** Methods of `client.moderations`. */
export class ModerationsResource extends Resource {
  /** Judges texts and pictures. */
  create(params: ModerationsCreateParams, options?: RequestOptions): APIPromise<Moderation> {
    return this.client.ask({ method: "POST", path: "/v1/moderations", params, hasBody: true, options });
  }
}

/** Methods of `client.organizations`. */
export class OrganizationsResource extends Resource {
  /** Creates an organization, which the caller owns; it has an account of its own. */
  create(params: OrganizationsCreateParams | string, options?: RequestOptions): APIPromise<OrganizationAnswer> {
    return this.client.ask({
      method: "POST",
      path: "/v1/organizations",
      params: typeof params === "string" ? { name: params } : params,
      hasBody: true,
      options,
    });
  }

  /** Lists the organizations that the caller is in: there is one page. */
  list(options?: RequestOptions): PagePromise<Organization> {
    return this.client.page({ method: "GET", path: "/v1/organizations", options });
  }

  /** Makes the person a member, by the token that was mailed to its address. */
  acceptInvitation(
    params: OrganizationsAcceptInvitationParams,
    options?: RequestOptions,
  ): APIPromise<OrganizationAnswer> {
    return this.client.ask({
      method: "POST",
      path: "/v1/organizations/invitations/accept",
      params,
      hasBody: true,
      options,
    });
  }

  /** Ends an invitation by its token, without becoming a member. */
  declineInvitation(
    params: OrganizationsDeclineInvitationParams,
    options?: RequestOptions,
  ): APIPromise<InvitationAnswer> {
    return this.client.ask({
      method: "POST",
      path: "/v1/organizations/invitations/decline",
      params,
      hasBody: true,
      options,
    });
  }

  /** Shows an organization to its members. */
  get(orgId: string, options?: RequestOptions): APIPromise<OrganizationAnswer> {
    return this.client.ask({ method: "GET", path: `/v1/organizations/${part(orgId)}`, options });
  }

  /** Changes what is given. */
  update(orgId: string, params?: OrganizationsUpdateParams, options?: RequestOptions): APIPromise<OrganizationAnswer> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/organizations/${part(orgId)}`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Deletes an organization whose balance is settled, for good. */
  delete(orgId: string, options?: RequestOptions): APIPromise<OrganizationDeleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/organizations/${part(orgId)}`, options });
  }

  /** Makes a member the owner in the caller's place. */
  transferOwner(
    orgId: string,
    params: OrganizationsTransferOwnerParams,
    options?: RequestOptions,
  ): APIPromise<OrganizationAnswer> {
    return this.client.ask({
      method: "POST",
      path: `/v1/organizations/${part(orgId)}/transfer-ownership`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Takes the caller out of the organization; its keys in it end. */
  leave(orgId: string, options?: RequestOptions): APIPromise<MemberAnswer> {
    return this.client.ask({ method: "POST", path: `/v1/organizations/${part(orgId)}/leave`, options });
  }

  /** Mails an invitation. */
  inviteMember(
    orgId: string,
    params: OrganizationsInviteMemberParams,
    options?: RequestOptions,
  ): APIPromise<InvitationAnswer> {
    return this.client.ask({
      method: "POST",
      path: `/v1/organizations/${part(orgId)}/invitations`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Lists the invitations, newest first: there is one page. */
  listInvitations(orgId: string, options?: RequestOptions): PagePromise<InvitationView> {
    return this.client.page({ method: "GET", path: `/v1/organizations/${part(orgId)}/invitations`, options });
  }

  /** Revokes an invitation. */
  revokeInvitation(orgId: string, invitationId: string, options?: RequestOptions): APIPromise<InvitationAnswer> {
    return this.client.ask({
      method: "DELETE",
      path: `/v1/organizations/${part(orgId)}/invitations/${part(invitationId)}`,
      options,
    });
  }

  /** Lists the members with their spend of this month: there is one page. */
  listMembers(orgId: string, options?: RequestOptions): PagePromise<MemberView> {
    return this.client.page({ method: "GET", path: `/v1/organizations/${part(orgId)}/members`, options });
  }

  /** Changes a member's role and cap. */
  updateMember(
    orgId: string,
    userId: string,
    params?: OrganizationsUpdateMemberParams,
    options?: RequestOptions,
  ): APIPromise<MemberAnswer> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/organizations/${part(orgId)}/members/${part(userId)}`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Removes a member; its keys start nothing new after 5 s. */
  removeMember(orgId: string, userId: string, options?: RequestOptions): APIPromise<MemberAnswer> {
    return this.client.ask({
      method: "DELETE",
      path: `/v1/organizations/${part(orgId)}/members/${part(userId)}`,
      options,
    });
  }
}

/** Methods of `client.providerKeys`. */
export class ProviderKeysResource extends Resource {
  /**
   * Brings the account's own key of a provider, once the provider has taken it in a test; its text is never
   * shown.
   */
  create(params: ProviderKeysCreateParams, options?: RequestOptions): APIPromise<ProviderKey> {
    return this.client.ask({ method: "POST", path: "/v1/provider-keys", params, hasBody: true, options });
  }

  /** Lists the account's keys of providers, by provider: one of each at most, so there is one page. */
  list(options?: RequestOptions): PagePromise<ProviderKey> {
    return this.client.page({ method: "GET", path: "/v1/provider-keys", options });
  }

  /** Shows a key of a provider. */
  get(providerKeyId: string, options?: RequestOptions): APIPromise<ProviderKey> {
    return this.client.ask({ method: "GET", path: `/v1/provider-keys/${part(providerKeyId)}`, options });
  }

  /** Changes name and mode, or replaces the key; a new one is tested, and counted as work. */
  update(providerKeyId: string, params?: ProviderKeysUpdateParams, options?: RequestOptions): APIPromise<ProviderKey> {
    return this.client.ask({
      method: "PATCH",
      path: `/v1/provider-keys/${part(providerKeyId)}`,
      params,
      hasBody: true,
      options,
    });
  }

  /** Removes a key of a provider for good; nothing new uses it after 5 s. */
  delete(providerKeyId: string, options?: RequestOptions): APIPromise<ProviderKey> {
    return this.client.ask({ method: "DELETE", path: `/v1/provider-keys/${part(providerKeyId)}`, options });
  }

  /** Asks the provider whether it takes the key as it stands; counted as work, as bringing one is. */
  test(providerKeyId: string, options?: RequestOptions): APIPromise<ProviderKey> {
    return this.client.ask({ method: "POST", path: `/v1/provider-keys/${part(providerKeyId)}/test`, options });
  }
}

/** Methods of `client.realtime`. */
export class RealtimeResource extends Resource {
  /** Methods of `realtime.clientSecrets`. */
  readonly clientSecrets = new RealtimeClientSecretsResource(this.client);
}

/** Methods of `client.rerank`. */
export class RerankResource extends Resource {
  /** Orders documents by their relevance to a query. */
  create(params: RerankCreateParams, options?: RequestOptions): APIPromise<Reranking> {
    return this.client.ask({ method: "POST", path: "/v1/rerank", params, hasBody: true, options });
  }
}

/** Methods of `client.responses`. */
export class ResponsesResource extends Resource {
  /** Makes a response. */
  create(
    params: ResponsesCreateParams
      & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<ResponseEvent>>;
  create(params: ResponsesCreateParams & { stream?: false | null }, options?: RequestOptions): APIPromise<Response>;
  create(params: ResponsesCreateParams, options?: RequestOptions): APIPromise<Response | Stream<ResponseEvent>>;
  create(params: ResponsesCreateParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({ method: "POST", path: "/v1/responses", params, hasBody: true, options });
  }

  /** Makes a conversation shorter. */
  compact(params: ResponsesCompactParams, options?: RequestOptions): APIPromise<Compaction> {
    return this.client.ask({ method: "POST", path: "/v1/responses/compact", params, hasBody: true, options });
  }

  /** Counts the tokens of a prompt. */
  countTokens(params: ResponsesCountTokensParams, options?: RequestOptions): APIPromise<ResponseTokens> {
    return this.client.ask({ method: "POST", path: "/v1/responses/input_tokens", params, hasBody: true, options });
  }

  /** Shows a stored response, or goes on with its stream. */
  get(
    responseId: string,
    params: ResponsesGetParams
      & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<ResponseEvent>>;
  get(
    responseId: string,
    params?: ResponsesGetParams
      & { stream?: false | null },
    options?: RequestOptions,
  ): APIPromise<Response>;
  get(
    responseId: string,
    params?: ResponsesGetParams,
    options?: RequestOptions,
  ): APIPromise<Response | Stream<ResponseEvent>>;
  get(responseId: string, params?: ResponsesGetParams, options?: RequestOptions): APIPromise<any> {
    return this.client.ask({
      method: "GET",
      path: `/v1/responses/${part(responseId)}`,
      params,
      query: ["stream", "starting_after", "include", "include_obfuscation"],
      options,
    });
  }

  /** Deletes a stored response. */
  delete(responseId: string, options?: RequestOptions): APIPromise<ResponseDeleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/responses/${part(responseId)}`, options });
  }

  /** Cancels a response that runs in the background. */
  cancel(responseId: string, options?: RequestOptions): APIPromise<Response> {
    return this.client.ask({ method: "POST", path: `/v1/responses/${part(responseId)}/cancel`, options });
  }

  /** Lists the items of which a response was made. */
  listInputItems(
    responseId: string,
    params?: ResponsesListInputItemsParams,
    options?: RequestOptions,
  ): PagePromise<Record<string, any>> {
    return this.client.page({
      method: "GET",
      path: `/v1/responses/${part(responseId)}/input_items`,
      params,
      query: ["limit", "after", "order", "include"],
      options,
    });
  }
}

/** Methods of `client.tasks`. */
export class TasksResource extends TasksBase {
  /** Begins a task; waits for it unless told not to. */
  submit(params: TasksSubmitParams, options?: RequestOptions): APIPromise<Task> {
    return this.client.ask({ method: "POST", path: "/v1/tasks", params, hasBody: true, options });
  }

  /** Lists tasks and runs of agents, newest first. */
  list(params?: TasksListParams, options?: RequestOptions): PagePromise<RunSummary> {
    return this.client.page({ method: "GET", path: "/v1/tasks", params, query: ["limit", "cursor"], options });
  }

  /** Shows a task or a run of an agent. */
  get(taskId: string, options?: RequestOptions): APIPromise<Task> {
    return this.client.ask({ method: "GET", path: `/v1/tasks/${part(taskId)}`, options });
  }

  /** Lets a task go on that waits for its owner's consent. */
  confirm(taskId: string, options?: RequestOptions): APIPromise<Task> {
    return this.client.ask({ method: "POST", path: `/v1/tasks/${part(taskId)}/confirm`, options });
  }

  /** Cancels a task or a run of an agent. */
  cancel(taskId: string, options?: RequestOptions): APIPromise<Task> {
    return this.client.ask({ method: "POST", path: `/v1/tasks/${part(taskId)}/cancel`, options });
  }
}

/** Methods of `client.videos`. */
export class VideosResource extends VideosBase {
  /** Creates a video, asynchronously. */
  generate(params: VideosGenerateParams, options?: RequestOptions): APIPromise<AcceptedJob> {
    return this.client.ask({ method: "POST", path: "/v1/videos/generations", params, hasBody: true, options });
  }

  /** A video, as a form or as JSON asks for it. */
  create(params: VideosCreateParams, options?: RequestOptions): APIPromise<Video> {
    return this.client.ask({ method: "POST", path: "/v1/videos", params, hasBody: true, options });
  }

  /** Newest first unless asked otherwise. */
  list(params?: VideosListParams, options?: RequestOptions): PagePromise<Video> {
    return this.client.page({
      method: "GET",
      path: "/v1/videos",
      params,
      query: ["limit", "after", "order"],
      options,
    });
  }

  /** Returns one video. */
  get(videoId: string, options?: RequestOptions): APIPromise<Video> {
    return this.client.ask({ method: "GET", path: `/v1/videos/${part(videoId)}`, options });
  }

  /** Deletes a video and its file. */
  delete(videoId: string, options?: RequestOptions): APIPromise<Deleted> {
    return this.client.ask({ method: "DELETE", path: `/v1/videos/${part(videoId)}`, options });
  }

  /** Sends on to the file: an answer of ours could not be longer than 6 MB. */
  content(videoId: string, params?: VideosContentParams, options?: RequestOptions): APIPromise<HttpResponse> {
    return this.client.ask({
      method: "GET",
      path: `/v1/videos/${part(videoId)}/content`,
      params,
      query: ["variant"],
      options,
    });
  }
}

/** Methods of `client.webhooks`. */
export class WebhooksResource extends WebhooksBase {
  /** Shows the secret that signs the account's webhooks. */
  getSecret(options?: RequestOptions): APIPromise<WebhookSecret> {
    return this.client.ask({ method: "GET", path: "/v1/webhooks/secret", secrets: ["secret"], options });
  }

  /** Creates a new secret, once under the same Idempotency-Key; the previous one also signs for a day. */
  rotateSecret(options?: RequestOptions): APIPromise<WebhookSecret> {
    return this.client.ask({ method: "POST", path: "/v1/webhooks/secret/rotate", secrets: ["secret"], options });
  }

  /** Lists the delivery tries, newest first. */
  deliveries(params?: WebhooksDeliveriesParams, options?: RequestOptions): PagePromise<WebhookDelivery> {
    return this.client.page({
      method: "GET",
      path: "/v1/webhooks/deliveries",
      params,
      query: ["limit", "cursor"],
      options,
    });
  }
}

/** Everything that a client has. */
export class Resources extends Transport {
  /** Methods of `agents`. */
  readonly agents = new AgentsResource(this);

  /** Methods of `audio`. */
  readonly audio = new AudioResource(this);

  /** Methods of `audit`. */
  readonly audit = new AuditResource(this);

  /** Methods of `auth`. */
  readonly auth = new AuthResource(this);

  /** Methods of `billing`. */
  readonly billing = new BillingResource(this);

  /** Methods of `cache`. */
  readonly cache = new CacheResource(this);

  /** Methods of `chat`. */
  readonly chat = new ChatResource(this);

  /** Methods of `completions`. */
  readonly completions = new CompletionsResource(this);

  /** Methods of `conversations`. */
  readonly conversations = new ConversationsResource(this);

  /** Methods of `embeddings`. */
  readonly embeddings = new EmbeddingsResource(this);

  /** Methods of `feedback`. */
  readonly feedback = new FeedbackResource(this);

  /** Methods of `files`. */
  readonly files = new FilesResource(this);

  /** Methods of `generation`. */
  readonly generation = new GenerationResource(this);

  /** Methods of `images`. */
  readonly images = new ImagesResource(this);

  /** Methods of `jobs`. */
  readonly jobs = new JobsResource(this);

  /** Methods of `keys`. */
  readonly keys = new KeysResource(this);

  /** Methods of `mcpServers`. */
  readonly mcpServers = new McpServersResource(this);

  /** Methods of `memory`. */
  readonly memory = new MemoryResource(this);

  /** Methods of `messages`. */
  readonly messages = new MessagesResource(this);

  /** Methods of `models`. */
  readonly models = new ModelsResource(this);

  /** Methods of `models3d`. */
  readonly models3d = new Models3dResource(this);

  /** Methods of `moderations`. */
  readonly moderations = new ModerationsResource(this);

  /** Methods of `organizations`. */
  readonly organizations = new OrganizationsResource(this);

  /** Methods of `providerKeys`. */
  readonly providerKeys = new ProviderKeysResource(this);

  /** Methods of `realtime`. */
  readonly realtime = new RealtimeResource(this);

  /** Methods of `rerank`. */
  readonly rerank = new RerankResource(this);

  /** Methods of `responses`. */
  readonly responses = new ResponsesResource(this);

  /** Methods of `tasks`. */
  readonly tasks = new TasksResource(this);

  /** Methods of `videos`. */
  readonly videos = new VideosResource(this);

  /** Methods of `webhooks`. */
  readonly webhooks = new WebhooksResource(this);

  /** Shows that the API answers, and with which version; it reads nothing and needs no key. */
  health(options?: RequestOptions): APIPromise<Health> {
    return this.ask({ method: "GET", path: "/health", needsKey: false, options });
  }

  /** Serves the document of the whole API, which `make openapi` has written beside this file. */
  openapi(options?: RequestOptions): APIPromise<Record<string, any>> {
    return this.ask({ method: "GET", path: "/openapi.json", needsKey: false, options });
  }
}
