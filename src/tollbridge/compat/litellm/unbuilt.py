"""The rest of LiteLLM's public names (1.109.1, seen 2026-11-26): programs may import them, from `litellm` and from each
of its modules that is here.

`DICTIONARIES` are types of dictionaries there, and are dictionaries here. `ABSENT` have nothing behind them: the first
use of one raises `NotBuilt` with the hint below which it stands. `SETTINGS` likewise, when one is set.
"""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DICTIONARIES = _words("""
    AdapterItem AgenticLoopParams AnthropicThinkingParam AssistantsTypedDict Attachment AwsSessionTag
    AzureSpillover BaseUrlRoutingHint BinaryResponseSummary CachingDetails CallbacksByType CancelBatchRequest
    ChatCompletionAnnotation ChatCompletionAnnotationURLCitation ChatCompletionAssistantMessage
    ChatCompletionAssistantToolCall ChatCompletionAudioDelta ChatCompletionAudioObject
    ChatCompletionCachedContent ChatCompletionDeltaChunk ChatCompletionDeltaToolCallChunk
    ChatCompletionDeveloperMessage ChatCompletionDocumentObject ChatCompletionFileObject
    ChatCompletionFileObjectFile ChatCompletionFunctionMessage ChatCompletionImageObject
    ChatCompletionImageUrlObject ChatCompletionNamedToolChoiceParam ChatCompletionReasoningItem
    ChatCompletionReasoningSummaryTextBlock ChatCompletionRedactedThinkingBlock ChatCompletionRequest
    ChatCompletionResponseMessage ChatCompletionSystemMessage ChatCompletionTextObject
    ChatCompletionThinkingBlock ChatCompletionToolCallChunk ChatCompletionToolCallFunctionChunk
    ChatCompletionToolChoiceFunctionParam ChatCompletionToolChoiceObjectParam ChatCompletionToolMessage
    ChatCompletionToolReferenceObject ChatCompletionUsageBlock ChatCompletionUserMessage
    ChatCompletionVideoObject ChatCompletionVideoUrlObject CitationsObject ClassifierAudit
    CodeInterpreterToolParam ComputerToolParam ConfigurableClientsideParamsCustomAuth ContextManagementEntry
    CostBreakdown CostPerToken CreateBatchRequest CreateFileRequest CreateVideoRequest
    CustomHuggingfaceTokenizer CustomLLMItem DeploymentTypedDict DocumentObject EvalVerdict ExtractedFileData
    FileContentRequest FileExpiresAfter FileSearchTool FileSearchToolParam GenericChatCompletionMessage
    GenericGuardrailAPIInputs GenericImageParsingChunk GuardrailLiteLLMParams GuardrailMode
    GuardrailTracingDetail GuardrailTypedDict HttpHandlerRequestFields ImageEditOptionalRequestParams
    ImageFileObject ImageURLListItem ImageURLObject KeyGenerationConfig ListBatchRequest
    LiteLLMBatchCreateRequest LiteLLMParamsTypedDict LiteLLM_RouterFileObject LoggedLiteLLMParams
    MessageContentImageFileObject MessageContentImageURLObject MessageContentTextObject MessageData
    ModelInfoBase OffPeakPricing OffPeakWindow OpenAIBatchResponse OpenAIBatchResult
    OpenAIChatCompletionAssistantMessage OpenAIChatCompletionChoices OpenAIChatCompletionDeveloperMessage
    OpenAIChatCompletionLogprobs OpenAIChatCompletionLogprobsContent
    OpenAIChatCompletionLogprobsContentTopLogprobs OpenAIChatCompletionResponse
    OpenAIChatCompletionSystemMessage OpenAIChatCompletionTextObject OpenAIChatCompletionToolParam
    OpenAIChatCompletionUserMessage OpenAICreateThreadParamsToolResources OpenAIErrorBody OpenAIMcpServerTool
    OpenAIRealtimeCachedTokensDetails OpenAIRealtimeContentPartDone OpenAIRealtimeConversationCreated
    OpenAIRealtimeConversationItemAdded OpenAIRealtimeConversationItemCreated OpenAIRealtimeConversationItemDone
    OpenAIRealtimeConversationObject OpenAIRealtimeDoneEvent OpenAIRealtimeErrorDetail OpenAIRealtimeErrorEvent
    OpenAIRealtimeFunctionCallArgumentsDelta OpenAIRealtimeFunctionCallArgumentsDone
    OpenAIRealtimeInputAudioBufferSpeechEvent OpenAIRealtimeInputAudioTranscriptionCompleted
    OpenAIRealtimeInputAudioTranscriptionDelta OpenAIRealtimeOutputItemDone OpenAIRealtimeResponseAudioDone
    OpenAIRealtimeResponseContentPart OpenAIRealtimeResponseContentPartAdded OpenAIRealtimeResponseDelta
    OpenAIRealtimeResponseDoneObject OpenAIRealtimeResponseTextDone OpenAIRealtimeResponseUsage
    OpenAIRealtimeServerVadTurnDetection OpenAIRealtimeStreamResponseBaseObject
    OpenAIRealtimeStreamResponseOutputItem OpenAIRealtimeStreamResponseOutputItemAdded
    OpenAIRealtimeStreamResponseOutputItemContent OpenAIRealtimeStreamSession OpenAIRealtimeStreamSessionEvents
    OpenAIRealtimeTranscriptionAudio OpenAIRealtimeTranscriptionAudioFormat
    OpenAIRealtimeTranscriptionAudioInput OpenAIRealtimeTranscriptionSession
    OpenAIRealtimeTranscriptionSessionCreated OpenAIRealtimeTranscriptionSettings OpenAIRealtimeTurnDetection
    OpenAIRealtimeUsageTokenDetails OpenAITextCompletionUserMessage OpenAIToolSearchToolParam
    OpenAIWebSearchOptions OpenAIWebSearchUserLocation OpenAIWebSearchUserLocationApproximate
    PersonalUIKeyGenerationConfig PriorityReservationDict PromptCacheBreakpoint PromptCacheOptions PromptObject
    ProviderField ProviderRoutingHints ProviderSpecificHeader ProviderSpecificModelInfo RawRequestTypedDict
    ResponseFormatChunk ResponsesAPIOptionalRequestParams ResponsesAPIRequestParams ResponsesAPIStreamOptions
    RetrieveBatchRequest RetryAttemptRecord SearchContextCostPerQuery SearchFreeRequests SearchToolInfoTypedDict
    SearchToolLiteLLMParams SearchToolTypedDict SelectTokenizerResponse ShellToolParam StandardAuditLogPayload
    StandardBatchLineItem StandardBatchLineItemMetadata StandardBatchLineItemUsage StandardBatchLineItemsPayload
    StandardBuiltInToolsParams StandardCallbackDynamicParams StandardKeyGenerationConfig
    StandardLoggingAdditionalHeaders StandardLoggingEvalInformation StandardLoggingGuardrailInformation
    StandardLoggingHeuristicV2Forecast StandardLoggingHiddenParams StandardLoggingMCPToolCall
    StandardLoggingMetadata StandardLoggingModelCostFailureDebugInformation StandardLoggingModelInformation
    StandardLoggingPayload StandardLoggingPayloadErrorInformation StandardLoggingPayloadStatusFields
    StandardLoggingPromptManagementMetadata StandardLoggingRoutingDecision
    StandardLoggingRoutingDecisionTierBoundaries StandardLoggingUserAPIKeyMetadata
    StandardLoggingVectorStoreRequest StandardLoggingZeroCostDiagnostic StandardPassThroughResponseObject
    TeamUIKeyGenerationConfig ToolResourcesCodeInterpreter ToolResourcesFileSearch
    ToolResourcesFileSearchVectorStore VideoCreateOptionalRequestParams WebSearchOptions
    WebSearchOptionsUserLocation WebSearchOptionsUserLocationApproximate
""")

ABSENT: Mapping[str, tuple[str, ...]] = {
    "Ask `completion`, or a gateway in Gemini's format (docs/server.md).": _words("""
    aadapter_generate_content
"""),
    "Call `generate_content(..., stream=True)`.": _words("""
    agenerate_content_stream generate_content_stream
"""),
    "Pass `fallbacks`.": _words("""
    async_completion_with_fallbacks completion_with_fallbacks
"""),
    "Pass `num_retries`.": _words("""
    aresponses_with_retries responses_with_retries
"""),
    "A gateway keeps responses (docs/server.md).": _words("""
    acompact_responses compact_responses
"""),
    "Pass `mock_response`.": _words("""
    async_mock_completion_streaming_obj mock_completion mock_completion_streaming_obj mock_embedding
    mock_image_generation mock_responses_api_response should_run_mock_completion
"""),
    "Put secrets into the environment, and read them there.": _words("""
    get_api_key_from_env get_azure_credentials get_litellm_gateway_api_key get_openai_credentials get_secret
    get_secret_bool get_secret_str
"""),
    "A gateway passes requests through (docs/pass-through.md).": _words("""
    llm_passthrough_route
"""),
    "Use `tollbridge.run` (docs/sdk.md).": _words("""
    aresponses_api_with_mcp arun_tool_loop run_tool_loop
"""),
    "Give Python's `logging` a handler.": _words("""
    turn_on_json
"""),
    "Open a WebSocket at a gateway's `/v1/realtime` (docs/realtime.md).": _words("""
    acreate_realtime_client_secret acreate_realtime_transcription_session arealtime_calls realtime_health_check
"""),
    "Ask the vendor's own SDK.": _words("""
    a_add_message acancel_eval acancel_fine_tuning_job acancel_run acode_interpreter_tool acreate_agent
    acreate_assistants acreate_container acreate_eval acreate_run acreate_sandbox acreate_skill acreate_thread
    add_system_prompt_to_messages adecisions adelete_agent adelete_assistant adelete_container adelete_eval
    adelete_run adelete_sandbox adelete_skill aget_agent aget_assistants aget_eval aget_messages aget_run
    aget_skill aget_thread aingest alist_agent_versions alist_agents alist_container_files alist_containers
    alist_evals alist_fine_tuning_jobs alist_runs alist_skills aquery aretrieve_container
    aretrieve_fine_tuning_job arun_code arun_thread arun_thread_stream asystemone aupload_container_file
    avector_store_file_content avector_store_file_create avector_store_file_delete avector_store_file_list
    avector_store_file_retrieve avector_store_file_update avideo_content avideo_create_character avideo_edit
    avideo_extension avideo_get_character avideo_list avideo_remix avideo_status cancel_eval cancel_run
    create_agent create_container create_eval create_run create_skill decisions decode_video_id_with_provider
    delete_agent delete_assistant delete_container delete_eval delete_run delete_skill file_content_streaming
    get_agent get_completion_messages get_eval get_optional_params_add_message get_run get_skill ingest
    invalid_provider_routing_hints_message list_agent_versions list_agents list_container_files list_containers
    list_evals list_runs list_skills maybe_run_chat_completion_agentic_loop query retrieve_container
    retrieve_fine_tuning_job run_thread_stream systemone upload_container_file validate_and_fix_openai_messages
    vector_store_file_content vector_store_file_create vector_store_file_delete vector_store_file_list
    vector_store_file_retrieve vector_store_file_update video_content video_create_character video_edit
    video_extension video_get_character video_list video_remix video_status
"""),
    "It is a part of LiteLLM's own machinery.": _words("""
    aadapter_completion adapter_completion add_provider_affinity_header add_provider_specific_fields
    add_provider_specific_params_to_optional_params add_trusted_model_credentials_to_litellm_params
    admission_input_tokens admitted_prompt_token_counter anthropic_messages_handler asyncify
    bedrock_mantle_chat_config bedrock_route_for_request bridge_reasoning_effort build_openai_client
    calculate_request_duration call_with_native_output_fallback captures_span_content
    chat_completion_tool_call_from_dict check_dynamic_azure_params client close_litellm_async_clients compress
    config_completion convert_model_response_to_streaming convert_to_model_response_object
    create_health_check_response custom_chat_llm_router custom_prompt declared_authenticating_provider
    deployment_model_info drop_params_env_flag drops_unsupported_allowed_tools_tool_choice
    drops_unsupported_params echoed_cost_map_fields echoed_cost_map_pricing_fields filter_out_litellm_params
    flatten_form_field_values function_call_prompt generate_id get_audio_file_for_health_check
    get_configured_request_timeout get_content_from_model_response get_hidden_params get_model_cost_map
    get_non_default_completion_params get_non_default_transcription_params get_optional_params_embeddings
    get_optional_params_image_gen get_optional_params_transcription get_optional_rerank_params
    get_requester_metadata get_standard_openai_params get_vertex_ai_model_route holds_secret_pointer
    http2_enabled identify is_bedrock_pricing_only_model is_custom_tool_call_dict is_decisions_model_mode
    is_litellm_owned_kwarg is_openai_finetune_model is_resent_failure is_server_derived_pricing_key
    is_xai_batch_results_id map_system_message_pt mark_litellm_import_complete may_name_litellm_mcp_gateway
    nlp_cloud_chat_completion normalize_drop_params ollama_pt parse_allowed_tools_tool_choice
    parse_control_options peek_reasoning_summary_aliases pre_process_non_default_params pricing_override_fields
    prompt_factory read_config_args reasoning_effort_with_summary_alias redact_string
    reject_server_owned_wif_params replicate_chat_completion resolve_openai_workload_identity_config
    responses_api_bridge_check run_async_function rust safe_deep_copy server_owned_wif_fields_named
    server_owned_wif_fields_present set_global_bitbucket_config set_global_gitlab_config
    shared_backend_model_info stream_chunk_builder_text_completion stringify_json_tool_call_content
    strip_reasoning_summary_aliases_from_optional_params supports_httpx_timeout
    text_tokens_without_nested_reasoning update_messages_with_model_file_ids validate_and_fix_openai_tools
    validate_and_fix_thinking_param validate_chat_completion_tool_choice validate_openai_optional_params
    validate_provider_affinity_header_name with_attribution_headers with_control_options with_service_target
    without_bedrock_native_output_opt_in without_bedrock_route_prefix without_server_derived_pricing
"""),
    "How a provider is asked is a row of docs/providers.md.": _words("""
    AI21ChatConfig AI21Config ANTHROPIC_WIF_KWARGS_KEYS AWS_CREDENTIAL_KWARGS_KEYS AdaptiveRouterConfig
    AlephAlphaConfig AlertingConfig AmazonAnthropicClaudeConfig AmazonConverseConfig AmazonTitanV2Config
    AnthropicBatchesHandler AnthropicChatCompletion AnthropicModelInfo AzureAIEmbedding
    AzureAnthropicChatCompletion AzureAssistantsAPI AzureAudioTranscription AzureBatchesAPI AzureChatCompletion
    AzureOpenAIFilesAPI AzureOpenAIFineTuningAPI AzureOpenAIO1ChatCompletion AzureTextCompletion BaseConfig
    BaseImageEditConfig BaseImageGenerationConfig BaseLLMAIOHTTPHandler BaseLLMHTTPHandler BaseRerankConfig
    BaseSearchConfig BaseVideoConfig BedrockBatchesHandler BedrockConverseLLM BedrockEmbedding
    BedrockFilesHandler BedrockImageEdit BedrockImageGeneration BedrockModelInfo BedrockRerankHandler
    BudgetConfig BytezChatConfig ClarifaiConfig CodestralTextCompletion CohereModelInfo
    DatabricksEmbeddingHandler DiscoveredDeploymentModelInfo Embedding FineTuningConfig GDCGeminiConfig
    GeminiModelInfo GenAIHubOrchestration GoogleBatchEmbeddings GroqChatCompletion HerokuChatConfig
    HuggingFaceEmbedding IBMWatsonXMixin LemonadeChatConfig LiteLLM ModelConfig NvidiaRivaAudioTranscription
    NvidiaRivaAudioTranscriptionConfig OAUTH_TOKEN_EXCHANGE_KWARGS_KEYS OCIChatConfig OPENAI_WIF_KWARGS_KEYS
    OPTIONAL_KWARGS_KEYS OVHCloudChatConfig OpenAIAssistantsAPI OpenAIAudioTranscription OpenAIBatchesAPI
    OpenAIChatCompletion OpenAIFilesAPI OpenAIFineTuningAPI OpenAIGPT5Config OpenAIImageVariationsHandler
    OpenAILikeChatHandler OpenAILikeEmbeddingHandler OpenAITextCompletion PalmConfig PredibaseChatCompletion
    RouterConfig SagemakerChatHandler SagemakerLLM TogetherAIRerank TopazModelInfo UpdateRouterConfig
    VertexAIBatchPrediction VertexAIFilesHandler VertexAIGemmaModels VertexAIModelGardenModels
    VertexAIPartnerModels VertexAITextEmbeddingConfig VertexEmbedding VertexFineTuningAPI VertexImageGeneration
    VertexLLM VertexMultimodalEmbedding WatsonXChatHandler XAIBatchesHandler XAIModelInfo
    anthropic_batches_instance anthropic_chat_completions azure_ai_embedding azure_anthropic_chat_completions
    azure_assistants_api azure_audio_transcriptions azure_batches_instance azure_chat_completions
    azure_files_instance azure_fine_tuning_apis_instance azure_o1_chat_completions azure_text_completions
    base_llm_aiohttp_handler base_llm_http_handler bedrock_converse_chat_completion bedrock_embedding
    bedrock_files_instance bedrock_image_edit bedrock_image_generation bedrock_rerank bfl_image_edit
    bfl_image_generation bytez_transformation codestral_text_completions databricks_embedding gdc_transformation
    google_batch_embeddings groq_chat_completions heroku_transformation huggingface_embed
    lemonade_transformation llm_http_handler nvidia_riva_audio_transcriptions oci_transformation
    openai_assistants_api openai_audio_transcriptions openai_batches_instance openai_chat_completions
    openai_files_instance openai_fine_tuning_apis_instance openai_image_variations openai_like_chat_completion
    openai_like_embedding openai_text_completions ovhcloud_transformation predibase_chat_completions
    sagemaker_chat_completion sagemaker_llm sap_gen_ai_hub_chat_completions sap_gen_ai_hub_emb together_rerank
    vertexAITextEmbeddingConfig vertex_ai_batches_instance vertex_ai_files_instance vertex_chat_completion
    vertex_embedding vertex_fine_tuning_apis_instance vertex_gemma_chat_completion vertex_image_generation
    vertex_model_garden_chat_completion vertex_multimodal_embedding vertex_partner_models_chat_completion
    watsonx_chat_completion xai_batch_results_instance xai_batches_instance
"""),
    "Answers here are dictionaries that read like objects; name no type of LiteLLM's for them.": _words("""
    AZURE_OPENAI_AUDIO_PROVIDERS AdapterCompletionStreamWrapper AdaptiveRouterPreferences AdaptiveRouterWeights
    AsyncCompletions AutoRouterCapabilityLimit BaseLiteLLMOpenAIResponseObject BaseResponsesStreamEvent
    BaselineRouteStamp BatchGuardrailRecord BatchGuardrailReport CacheCreationTokenDetails CachedTokensDetails
    CaptureMessageContent CharacterObject Chat ChatCompletionAudioResponse ChatCompletionCustomToolCallPayload
    ChatCompletionDeltaCustomToolCall ChatCompletionDeltaCustomToolCallPayload
    ChatCompletionMessageCustomToolCall ChatCompletionTokenLogprob ChoiceLogprobs ChunkProcessor
    ClassifierPlugin CompletionDispatchContext CompletionRequest CompletionTimeout Completions
    ConsumedRequestTagsStamp ContentPartAddedEvent ContentPartDoneEvent ContentPartDonePartOutputText
    ContentPartDonePartReasoningText ContentPartDonePartRefusal ControlOptions CountContextManagement
    CredentialLiteLLMParams CustomPricingLiteLLMParams CustomStreamingDecoder CustomToolCallOutputItem
    DatadogInitParams DeploymentModelListingInfo EmbeddingRequest ErrorEvent ErrorEventError
    FILE_CONTENT_STREAMING_PROVIDERS FallbackAccessCheck FallbackBudgetCheck FileContentStreamingResponse
    FileContentStreamingResult FileListPage FileSearchCallCompletedEvent FileSearchCallInProgressEvent
    FileSearchCallSearchingEvent FineTuningJobCreate FlowItem FunctionCallArgumentsDeltaEvent
    FunctionCallArgumentsDoneEvent GenericBudgetWindowDetails GenericEvent GenericLiteLLMParams
    GenericResponseOutputItem HttpxBinaryResponseContent Hyperparameters ImageGenTokenDetails ImageGenToolUsage
    ImageGenerationPartialImageEvent ImageObject ImageUsage ImageUsageInputTokensDetails InputTokensDetails
    InvalidControlOption JSONProviderRegistry KeyManagementSettings LIST_BATCHES_SUPPORTED_PROVIDERS
    LiteLLMBaseModel LiteLLMBatch LiteLLMFineTuningJob LiteLLMFineTuningJobCreate LiteLLMLoggingBaseClass
    LiteLLMLoggingObj LiteLLMRealtimeStreamLoggingObject Logprobs MCPCallArgumentsDeltaEvent
    MCPCallArgumentsDoneEvent MCPCallCompletedEvent MCPCallFailedEvent MCPCallInProgressEvent
    MCPListToolsCompletedEvent MCPListToolsFailedEvent MCPListToolsInProgressEvent MirroredPricingParams
    MockRouterTestingParams ModelAccessWindow ModelGroupInfo ModelGroupSettings ModelResponseBase MyLocal
    NativeOutputFallback NewRelicInitParams NotGiven OPENAI_AUDIO_TRANSCRIPTION_PROVIDERS
    OpenAIChatCompletionChunk OpenAIFileObject OpenAIModerationResponse OpenAIModerationResult
    OpenAIRealtimeStreamList OpenAIVideoObject OptionalPreCallChecks OutputCodeInterpreterCall
    OutputFunctionToolCall OutputImageGenerationCall OutputItemAddedEvent OutputItemDoneEvent
    OutputTextAnnotationAddedEvent OutputTextDeltaEvent OutputTextDoneEvent OutputTokensDetails
    OutputToolSearchCall PointFiveInitParams PreRoutingHookResponse PreRoutingStrategy
    PriorityReservationSettings PromptSpec ProviderConfigManager ProviderSpecificHeaderUtils QueueEntry
    ReasoningSummaryPartDoneEvent ReasoningSummaryTextDeltaEvent ReasoningSummaryTextDoneEvent RefusalDeltaEvent
    RefusalDoneEvent ResponseAPIUsage ResponseCompletedEvent ResponseCreatedEvent ResponseFailedEvent
    ResponseInProgressEvent ResponseIncompleteEvent ResponsePartAddedEvent ResponsesAPIResponse
    ResponsesToolUsage RouterGeneralSettings RoutingContext RoutingGroup RoutingPlugin SafeAttributeModel
    Scheduler SearchResponse ServerToolUse SkippedFallbackTarget StreamingChatCompletionChunk
    TaggedPreRoutingStrategy TextChoices TextCompletionStreamWrapper Thread TokenCountResponse TopLogprob
    TranscriptionUsageDurationObject TranscriptionUsageInputTokenDetailsObject TranscriptionUsageTokensObject
    VectorStoreIndexRegistry VectorStoreRegistry VideoGenerationRequestUtils VideoObject
    WebSearchCallCompletedEvent WebSearchCallInProgressEvent WebSearchCallSearchingEvent WebSearchToolUsage
    ZerobusInitParams tracer updateDeployment updateLiteLLMParams
"""),
    "Write its value as text.": _words("""
    CallTypes DataResidency DynamicPromptManagementParamLiteral FallbackSkipReason ImageGenerationRequestQuality
    LITELLM_IMAGE_VARIATION_PROVIDERS LiteLLMCommonStrings LlmProviders OpenAIRealtimeEventTypes
    PassthroughCallTypes RateLimitErrorCategory RateLimitType RequestType ResponsesAPIStreamEvents
    RouterCacheEnum RouterErrorTypes RouterErrors RoutingStrategy SandboxProviders SchedulerCacheKeys
    SearchProvider SearchProviders ServiceTier SpecialEnums VertexAIModelRoute
"""),
    "It is a type for annotations: write your own.": _words("""
    ALL_RESPONSES_API_TOOL_PARAMS AllEmbeddingInputValues AllPromptValues AllowedModelRegion AssistantToolParam
    AttachmentTool BEDROCK_EMBEDDING_PROVIDERS_LITERAL BEDROCK_INVOKE_PROVIDERS_LITERAL BatchJobStatus
    CALLBACK_TYPES CONFIGURABLE_CLIENTSIDE_AUTH_PARAMS CREATE_FILE_REQUESTS_PURPOSE ChatCompletionModality
    ChatCompletionToolChoiceStringValues ChatCompletionToolChoiceValues EmbeddingInput
    FileContentProvider FileCreateProvider FileDeleteProvider FileListProvider FileRetrieveProvider FileTypes
    ListBatchesSupportedProvider MOCK_RESPONSE_TYPE MessageContent NativeOutputAttemptResult
    OpenAIAudioTranscriptionOptionalParams OpenAIChatCompletionFinishReason
    OpenAICreateFileRequestOptionalParams OpenAIFilesPurpose OpenAIImageEditOptionalParams
    OpenAIImageGenerationOptionalParams OpenAIImageVariationOptionalParams OpenAIMessageContent
    OpenAIMessageContentListBlock OpenAIRealtimeEvents PART_UNION_TYPES REASONING_EFFORT ResponseIncludable
    ResponseInputParam ResponseOutputItem ResponsesAPIStatus ResponsesAPIStreamingResponse
    ResponsesTerminalEvent RetryStrategy RouterWeights RoutingStrategyName Tokenizer Tool ToolChoice
    ToolMessageContentPart ToolParam ValidAssistantMessageContentTypesLiteral
    ValidChatCompletionMessageContentTypesLiteral ValidUserMessageContentTypesLiteral
    VectorStoreSearchFailureMode
"""),
    "It is a number or a word of LiteLLM's own.": _words("""
    AGENTIC_LOOP_TOOL_CHOICE_KEY AZURE_DEFAULT_API_VERSION BATCH_GUARDRAIL_RESPONSE_FIELD
    BEDROCK_CONVERSE_MODELS COHERE_DEFAULT_EMBEDDING_INPUT_TYPE DEFAULT_ALLOWED_FAILS DEFAULT_BATCH_SIZE
    DEFAULT_FLUSH_INTERVAL_SECONDS DEFAULT_IMAGE_ENDPOINT_MODEL DEFAULT_IN_MEMORY_TTL DEFAULT_MAX_RETRIES
    DEFAULT_MAX_TOKENS DEFAULT_MOCK_RESPONSE_COMPLETION_TOKEN_COUNT DEFAULT_MOCK_RESPONSE_PROMPT_TOKEN_COUNT
    DEFAULT_POLLING_INTERVAL DEFAULT_REPLICATE_POLLING_DELAY_SECONDS DEFAULT_REPLICATE_POLLING_RETRIES
    DEFAULT_REQUEST_TIMEOUT DEFAULT_SOFT_BUDGET DEFAULT_VIDEO_ENDPOINT_MODEL HIDDEN_PARAMS_ATTR
    HUMANLOOP_PROMPT_CACHE_TTL_SECONDS LITELLM_CHAT_PROVIDERS LITELLM_DETAILS_FALLBACK_RESPONSE_FIELD
    LITELLM_EXCEPTION_TYPES NADIR_DEFAULT_API_BASE OPENAI_CHAT_COMPLETION_PARAMS
    OPENAI_COMPATIBLE_BATCH_AND_FILES_PROVIDERS OPENAI_FINISH_REASONS PROVIDER_AFFINITY_HEADER_KWARG_KEY
    REPEATED_STREAMING_CHUNK_LIMIT ROUTER_MAX_FALLBACKS SCHEDULER_QUEUE_TARGET SPECIAL_MODEL_INFO_PARAMS
    VALID_LITELLM_ENVIRONMENTS ValidAssistantMessageContentTypes ValidChatCompletionMessageContentTypes
    ValidUserMessageContentTypes WANDB_MODELS WATSONX_DEFAULT_API_VERSION
"""),
    "Look in `models_by_provider`.": _words("""
    aleph_alpha_models all_embedding_models anyscale_models aws_polly_models azure_anthropic_models
    azure_embedding_models azure_text_models bedrock_converse_models bedrock_embedding_models
    black_forest_labs_models chatgpt_models cohere_chat_models cohere_embedding_models deepgram_models
    elevenlabs_models fal_ai_models fireworks_ai_embedding_models gigachat_models github_copilot_models
    llama_models microsoft_365_copilot_models nebius_embedding_models nvidia_riva_models oci_models
    open_ai_embedding_models open_ai_text_completion_models openai_image_generation_models
    openai_video_generation_models ovhcloud_embedding_models palm_models petals_models recraft_models
    reducto_models runwayml_models sambanova_embedding_models scaledown_models soniox_models stability_models
    text_completion_codestral_models text_completion_inception_models transcribe_models vertex_ai_ai21_models
    vertex_ai_image_models vertex_ai_video_models vertex_anthropic_models vertex_chat_models
    vertex_code_chat_models vertex_code_text_models vertex_deepseek_models vertex_embedding_models
    vertex_language_models vertex_llama3_models vertex_minimax_models vertex_mistral_models
    vertex_moonshot_models vertex_openai_models vertex_text_models vertex_vision_models vertex_zai_models
"""),
}

SETTINGS = _words("""
    adapters add_user_information_to_llm_headers agent_search_embedding_model aiohttp_trust_env
    allow_dynamic_callback_disabling anthropic_beta_headers_url anthropic_prompt_caching_ttl
    anthropic_sse_ping_interval_seconds apply_search_free_tier argilla_batch_size argilla_transformation_object
    audit_log_callbacks autorouter_presets_url aws_sqs_callback_params azure_llms banned_keywords_list
    batch_line_item_callbacks bedrock_neutralize_orphaned_tool_blocks bedrock_request_metadata_fields
    block_requests_for_models_without_pricing blocked_user_list blog_posts_url budget_exceeded_status_code
    budget_exceeded_throttle_percentage budget_rollover bytez_key caching_with_models callback_settings
    check_provider_endpoint cold_storage_custom_logger common_cloud_provider_auth_params config_path
    cost_margin_config custom_prometheus_metadata_labels custom_prometheus_tags datadog_llm_observability_params
    datadog_params datadog_use_v1 default_in_memory_ttl default_internal_user_params default_key_generate_params
    default_key_max_budget_alert_emails default_max_internal_user_budget default_redis_batch_cache_expiry
    default_redis_ttl default_soft_budget default_team_params default_team_settings disable_add_prefix_to_prompt
    disable_add_transform_inline_image_block disable_add_user_agent_to_request_tags disable_aiohttp_trust_env
    disable_anthropic_gemini_context_caching_transform disable_copilot_system_to_assistant
    disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only disable_stop_sequence_limit
    disable_token_counter disable_vertex_batch_output_transformation dynamodb_table_name
    enable_anthropic_prompt_caching enable_azure_ad_token_refresh
    enable_caching_on_provider_specific_optional_params enable_end_user_cost_tracking_prometheus_only
    enable_gemini_default_thinking_level_low enable_key_alias_format_validation
    enable_loadbalancing_on_batch_endpoints enable_model_config_credential_overrides enable_preview_features
    error_logs expose_router_debug_in_errors extra_spend_tag_headers filter_invalid_headers
    force_redis_hash_tag_grouping forward_traceparent_to_llm_provider gcs_pub_sub_use_v1 gdc_api_base gdc_key
    gemini_include_thoughts_default gemini_live_defer_setup generic_api_use_v1 generic_logger_headers
    gigachat_key global_bitbucket_config global_disable_no_log_param global_gitlab_config
    google_moderation_confidence_threshold http2 include_cost_in_streaming_usage initialized_langfuse_clients
    internal_user_budget_duration key_alias_pattern key_generation_settings known_tokenizer_config
    langfuse_default_tags langfuse_enable_update_trace_keys langsmith_batch_size litellm_mode
    llamaguard_model_name llamaguard_unsafe_content_categories llm_guard_mode log_auth_failure_key_identity
    log_client_error_tracebacks log_level logged_real_time_event_types
    max_end_user_budget max_end_user_budget_id max_fallbacks max_internal_user_budget max_ui_session_budget
    max_user_budget mcp_tool_search model_cost_map_url model_group_settings network_mock newrelic_params
    num_retries_per_request openai_compatible_endpoints openai_compatible_providers
    openai_moderations_model_name openai_system_messages_first openai_text_completion_compatible_providers
    otel_tenant_destination_mode output_parse_pii overwrite_user_with_key_hash
    personal_key_model_access_from_teams pointfive_params predibase_tenant_id presidio_ad_hoc_recognizers
    priority_reservation project prometheus_deployment_and_latency_caller_identity
    prometheus_emit_input_sequence_length_label prometheus_emit_rate_limit_labels prometheus_emit_stream_label
    prometheus_end_user_metrics_cleanup_interval_seconds prometheus_end_user_metrics_max_series_per_metric
    prometheus_end_user_metrics_ttl_seconds prometheus_exclude_labels prometheus_exclude_metrics
    prometheus_initialize_budget_metrics prometheus_latency_buckets prometheus_metrics_cleanup_interval_seconds
    prometheus_metrics_config prometheus_metrics_max_series_per_metric prometheus_metrics_ttl_seconds
    prometheus_user_budget_label_include_email_alias provider_url_destination_allowed_hosts proxy_auth
    public_agent_groups public_mcp_hub_strict_whitelist public_mcp_servers public_model_groups
    public_model_groups_links public_skills_index reasoning_auto_summary redact_user_api_key_info
    request_correlation_in_logs request_timeout_explicitly_set require_auth_for_metrics_endpoint
    require_managed_files route_all_chat_openai_to_responses s3_audit_callback_params s3_callback_params
    safe_memory_mode sap_service_key skill_search_embedding_model skip_system_message_in_guardrail
    skip_tool_message_in_guardrail sse_keepalive_ping_interval_seconds ssl_ecdh_curve ssl_security_level
    standard_logging_payload_excluded_fields store_audit_logs strip_anthropic_total_tokens tag_budget_config
    upperbound_key_generate_params use_chat_completions_url_for_anthropic_messages use_litellm_proxy
    user_url_allowed_hosts user_url_validation validate_end_user_id_in_db vector_store_index_registry
    vector_store_registry vector_store_search_failure_mode vertex_ai_safety_settings zerobus_params
""")
HINT = "Nothing here reads it; a gateway has settings of its own (docs/configuration.md)."

MODELS_OF = _words("""
    ai21 aiml amazon_nova assemblyai azure azure_ai baseten bedrock_mantle cerebras clarifai cloudflare
    codestral cometapi coralbricks darkbloom dashscope databricks datarobot docker_model_runner edenai empower
    featherless_ai fireworks_ai friendliai galadriel gradient_ai heroku huggingface hyperbolic inception
    infinity jina_ai lambda_ai lemonade llamagate maritalk minimax modelscope moonshot morph nadir nebius
    nlp_cloud novita nscale nvidia_nim ollama ovhcloud publicai qwen_ai_platform qwencloud replicate sambanova
    snowflake tencent together_ai v0 vercel_ai_gateway volcengine voyage wandb watsonx zai
""")
"""Providers whose models `litellm.<provider>_models` lists; these are built."""

NAMES = frozenset({*DICTIONARIES, *(name for names in ABSENT.values() for name in names)})
