-- What users read. Each view lists its columns, so a new column in a table changes no view by accident, and reads its
-- table with FINAL, so that only the newest version of a row counts. The setting lets FINAL leave whole days unread (a row
-- never moves to another day); inside the views it holds whatever the client sets. A session with readonly = 1 cannot
-- take it from them and has to bring it along, as the endpoint does; without it answers are slower, not wrong.
-- This file is applied whole whenever it changes; it is no migration.

CREATE OR REPLACE VIEW calls
(
    trace_id String COMMENT 'Trace id, 32 lower-case hex digits.',
    span_id String COMMENT 'Span id, 16 lower-case hex digits. With trace_id the identity of the row.',
    parent_span_id String COMMENT 'Span id of the parent in the same trace. Empty for a root span.',
    name String COMMENT 'Span name as the tracer sent it.',
    start_time DateTime64(9, 'UTC') COMMENT 'Start of the span. 1970-01-01 when the span named no usable time (see flags).',
    end_time DateTime64(9, 'UTC') COMMENT 'End of the span.',
    service LowCardinality(String) COMMENT 'service.name of the resource. Empty when not set.',
    service_version String COMMENT 'service.version of the resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment, such as production or staging. Empty when not set.',
    dialect String COMMENT 'Tracer family whose attribute names the span uses.',
    operation LowCardinality(String) COMMENT 'What was asked for: chat, completion, embedding, rerank, image, speech and so on.',
    provider LowCardinality(String) COMMENT 'Canonical name of who served the request. Empty when unknown.',
    request_model String COMMENT 'Model name as requested. Empty when not set.',
    response_model String COMMENT 'Model name as the provider answered. Empty when not set.',
    model LowCardinality(String) COMMENT 'Canonical model name that was priced. Empty when unknown.',
    response_id String COMMENT 'The provider''s id of the response. Empty when not set.',
    service_tier String COMMENT 'Service tier that was billed, such as batch, flex or priority. Empty for the standard tier or when not set.',
    region String COMMENT 'Cloud region or data residency that sets the price. Empty when not set.',
    deployment String COMMENT 'Deployment or endpoint name at the provider. Empty when not set.',
    api_key_id String COMMENT 'Id or label of the API key, never the key. Empty when not set.',
    input_tokens Nullable(Int64) COMMENT 'All input tokens, cached ones and those of other modalities included. NULL when unknown.',
    output_tokens Nullable(Int64) COMMENT 'All output tokens, reasoning included. NULL when unknown.',
    cache_read_tokens Nullable(Int64) COMMENT 'Part of input_tokens that was read from the provider''s cache. NULL when unknown.',
    cache_write_tokens Nullable(Int64) COMMENT 'Part of input_tokens that was written to the provider''s cache, all lifetimes. NULL when unknown.',
    cache_write_1h_tokens Nullable(Int64) COMMENT 'Part of cache_write_tokens with a lifetime of one hour. NULL when unknown.',
    reasoning_tokens Nullable(Int64) COMMENT 'Part of output_tokens that was spent on reasoning. NULL when unknown.',
    audio_input_tokens Nullable(Int64) COMMENT 'Part of input_tokens that is audio. NULL when unknown.',
    audio_output_tokens Nullable(Int64) COMMENT 'Part of output_tokens that is audio. NULL when unknown.',
    image_input_tokens Nullable(Int64) COMMENT 'Part of input_tokens that is images. NULL when unknown.',
    image_output_tokens Nullable(Int64) COMMENT 'Part of output_tokens that is images. NULL when unknown.',
    other_usage Map(LowCardinality(String), Int64) COMMENT 'Rare meters that have no column, by meter name, in units of the meter (web_search in requests).',
    usage_basis String COMMENT 'The rule that turned the tracer''s counts into these.',
    list_cost Nullable(Decimal64(12)) COMMENT 'USD at list price. NULL when unknown.',
    cost Nullable(Decimal64(12)) COMMENT 'USD at the user''s own price (list price where there is none). NULL when unknown.',
    cost_by_meter Map(LowCardinality(String), Decimal64(12)) COMMENT 'USD of cost by meter. The parts add up to cost.',
    cost_status LowCardinality(String) COMMENT 'priced, partial (a part has no price), unpriced (see unpriced_reason) or free. Empty for steps.',
    unpriced_reason String COMMENT 'Why cost_status is partial or unpriced. Empty otherwise.',
    reported_cost Nullable(Decimal128(6)) COMMENT 'USD that a provider, gateway or tracer said it cost. Kept beside cost, never added. NULL when nobody said.',
    reported_cost_source String COMMENT 'Who said reported_cost. Empty when nobody did.',
    price_id String COMMENT 'Price that was used; joins prices.price_id. Empty when unpriced.',
    price_book String COMMENT 'Version of the price book that was used; joins price_books.price_book. Empty when unpriced.',
    team LowCardinality(String) COMMENT 'Team that the span is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Nearest agent above the span, or the name that it carries. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the span is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the span is for. Empty when not set.',
    `user` String COMMENT 'User that the span is for. Empty when not set.',
    project String COMMENT 'Project that the span is for. Empty when not set.',
    task_type String COMMENT 'Kind of task that the span serves. Empty when not set.',
    experiment String COMMENT 'Experiment or variant that the span belongs to. Empty when not set.',
    agent_path Array(LowCardinality(String)) COMMENT 'Agents above the span, from root to nearest.',
    attribution_rule String COMMENT 'The rules that decided the attribution columns.',
    tags Map(LowCardinality(String), String) COMMENT 'The user''s own dimensions, by name.',
    conversation_id String COMMENT 'Conversation or session that the span belongs to. Empty when not set.',
    task_id String COMMENT 'Task that the span serves: the trace id unless a task id was given.',
    prompt_name String COMMENT 'Name of the prompt template. Empty when not set.',
    prompt_version String COMMENT 'Version of the prompt template. Empty when not set.',
    error String COMMENT 'Error type. Empty when the span did not fail.',
    finish_reason String COMMENT 'Why the model stopped. Empty when not set.',
    attempts Nullable(UInt16) COMMENT 'Requests that the span stands for, retries inside it included. NULL when unknown.',
    streaming Nullable(Bool) COMMENT 'Whether the answer was streamed. NULL when unknown.',
    time_to_first_chunk Nullable(Float64) COMMENT 'Seconds until the first chunk of a streamed answer. NULL when unknown.',
    adjusted_count Float64 COMMENT 'How many spans this one stands for after sampling. 1 when it was not sampled.',
    prompt_hash Nullable(UInt64) COMMENT 'Keyed hash of the input content: equal prompts have equal hashes. NULL when the content was not seen.',
    prefix_hash Nullable(UInt64) COMMENT 'Keyed hash of the stable start of the input content. NULL when the content was not seen.',
    prompt_chars Nullable(UInt32) COMMENT 'Characters of input content. NULL when the content was not seen.',
    flags Array(LowCardinality(String)) COMMENT 'What was repaired or doubtful about the span, such as a replaced time.',
    attributes Map(LowCardinality(String), String) COMMENT 'Attributes that have no column, without message content.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a span is the one that counts.',
    ingested_at DateTime64(9, 'UTC') COMMENT 'When the row was written.'
)
AS SELECT
    trace_id, span_id, parent_span_id, name, start_time, end_time, service, service_version, environment, dialect,
    operation, provider, request_model, response_model, model, response_id, service_tier, region, deployment,
    api_key_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
    reasoning_tokens, audio_input_tokens, audio_output_tokens, image_input_tokens, image_output_tokens, other_usage,
    usage_basis, list_cost, cost, cost_by_meter, cost_status, unpriced_reason, reported_cost, reported_cost_source,
    price_id, price_book, team, agent, feature, customer, `user`, project, task_type, experiment, agent_path,
    attribution_rule, tags, conversation_id, task_id, prompt_name, prompt_version, error, finish_reason, attempts,
    streaming, time_to_first_chunk, adjusted_count, prompt_hash, prefix_hash, prompt_chars, flags, attributes,
    version, ingested_at
FROM spans_ledger FINAL
WHERE billing_role = 'call'
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Model calls, each once. sum(cost) is what they cost.';

CREATE OR REPLACE VIEW call_spans
(
    trace_id String COMMENT 'Trace id, 32 lower-case hex digits.',
    span_id String COMMENT 'Span id, 16 lower-case hex digits. With trace_id the identity of the row.',
    parent_span_id String COMMENT 'Span id of the parent in the same trace. Empty for a root span.',
    billing_role LowCardinality(String) COMMENT 'What the span means for the bill: call, duplicate (another description of a call), aggregate (a parent that repeats its children) or step.',
    role_reason String COMMENT 'The rule that decided billing_role.',
    duplicate_of String COMMENT 'The call this span describes again: its span id, or trace_id:span_id when it is in another trace. Empty when the span is no duplicate.',
    name String COMMENT 'Span name as the tracer sent it.',
    start_time DateTime64(9, 'UTC') COMMENT 'Start of the span. 1970-01-01 when the span named no usable time (see flags).',
    end_time DateTime64(9, 'UTC') COMMENT 'End of the span.',
    service LowCardinality(String) COMMENT 'service.name of the resource. Empty when not set.',
    service_version String COMMENT 'service.version of the resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment, such as production or staging. Empty when not set.',
    dialect String COMMENT 'Tracer family whose attribute names the span uses.',
    operation LowCardinality(String) COMMENT 'What was asked for: chat, completion, embedding, rerank, image, speech and so on.',
    provider LowCardinality(String) COMMENT 'Canonical name of who served the request. Empty when unknown.',
    request_model String COMMENT 'Model name as requested. Empty when not set.',
    response_model String COMMENT 'Model name as the provider answered. Empty when not set.',
    model LowCardinality(String) COMMENT 'Canonical model name that was priced. Empty when unknown.',
    response_id String COMMENT 'The provider''s id of the response. Empty when not set.',
    service_tier String COMMENT 'Service tier that was billed, such as batch, flex or priority. Empty for the standard tier or when not set.',
    region String COMMENT 'Cloud region or data residency that sets the price. Empty when not set.',
    deployment String COMMENT 'Deployment or endpoint name at the provider. Empty when not set.',
    api_key_id String COMMENT 'Id or label of the API key, never the key. Empty when not set.',
    input_tokens Nullable(Int64) COMMENT 'All input tokens, cached ones and those of other modalities included. NULL when unknown.',
    output_tokens Nullable(Int64) COMMENT 'All output tokens, reasoning included. NULL when unknown.',
    cache_read_tokens Nullable(Int64) COMMENT 'Part of input_tokens that was read from the provider''s cache. NULL when unknown.',
    cache_write_tokens Nullable(Int64) COMMENT 'Part of input_tokens that was written to the provider''s cache, all lifetimes. NULL when unknown.',
    cache_write_1h_tokens Nullable(Int64) COMMENT 'Part of cache_write_tokens with a lifetime of one hour. NULL when unknown.',
    reasoning_tokens Nullable(Int64) COMMENT 'Part of output_tokens that was spent on reasoning. NULL when unknown.',
    audio_input_tokens Nullable(Int64) COMMENT 'Part of input_tokens that is audio. NULL when unknown.',
    audio_output_tokens Nullable(Int64) COMMENT 'Part of output_tokens that is audio. NULL when unknown.',
    image_input_tokens Nullable(Int64) COMMENT 'Part of input_tokens that is images. NULL when unknown.',
    image_output_tokens Nullable(Int64) COMMENT 'Part of output_tokens that is images. NULL when unknown.',
    other_usage Map(LowCardinality(String), Int64) COMMENT 'Rare meters that have no column, by meter name, in units of the meter (web_search in requests).',
    usage_basis String COMMENT 'The rule that turned the tracer''s counts into these.',
    list_cost Nullable(Decimal64(12)) COMMENT 'USD at list price. NULL when unknown, and for every span that is no call of its own.',
    cost Nullable(Decimal64(12)) COMMENT 'USD at the user''s own price (list price where there is none). NULL when unknown, and for every span that is no call of its own.',
    cost_by_meter Map(LowCardinality(String), Decimal64(12)) COMMENT 'USD of cost by meter. Empty for every span that is no call of its own.',
    cost_status LowCardinality(String) COMMENT 'priced, partial, unpriced or free. Empty for every span that is no call of its own.',
    unpriced_reason String COMMENT 'Why cost_status is partial or unpriced. Empty otherwise.',
    reported_cost Nullable(Decimal128(6)) COMMENT 'USD that a provider, gateway or tracer said it cost. Kept beside cost, never added. NULL when nobody said.',
    reported_cost_source String COMMENT 'Who said reported_cost. Empty when nobody did.',
    price_id String COMMENT 'Price that was used; joins prices.price_id. Empty when unpriced.',
    price_book String COMMENT 'Version of the price book that was used; joins price_books.price_book. Empty when unpriced.',
    team LowCardinality(String) COMMENT 'Team that the span is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Nearest agent above the span, or the name that it carries. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the span is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the span is for. Empty when not set.',
    `user` String COMMENT 'User that the span is for. Empty when not set.',
    project String COMMENT 'Project that the span is for. Empty when not set.',
    task_type String COMMENT 'Kind of task that the span serves. Empty when not set.',
    experiment String COMMENT 'Experiment or variant that the span belongs to. Empty when not set.',
    agent_path Array(LowCardinality(String)) COMMENT 'Agents above the span, from root to nearest.',
    attribution_rule String COMMENT 'The rules that decided the attribution columns.',
    tags Map(LowCardinality(String), String) COMMENT 'The user''s own dimensions, by name.',
    conversation_id String COMMENT 'Conversation or session that the span belongs to. Empty when not set.',
    task_id String COMMENT 'Task that the span serves: the trace id unless a task id was given.',
    prompt_name String COMMENT 'Name of the prompt template. Empty when not set.',
    prompt_version String COMMENT 'Version of the prompt template. Empty when not set.',
    error String COMMENT 'Error type. Empty when the span did not fail.',
    finish_reason String COMMENT 'Why the model stopped. Empty when not set.',
    attempts Nullable(UInt16) COMMENT 'Requests that the span stands for, retries inside it included. NULL when unknown.',
    streaming Nullable(Bool) COMMENT 'Whether the answer was streamed. NULL when unknown.',
    time_to_first_chunk Nullable(Float64) COMMENT 'Seconds until the first chunk of a streamed answer. NULL when unknown.',
    adjusted_count Float64 COMMENT 'How many spans this one stands for after sampling. 1 when it was not sampled.',
    prompt_hash Nullable(UInt64) COMMENT 'Keyed hash of the input content: equal prompts have equal hashes. NULL when the content was not seen.',
    prefix_hash Nullable(UInt64) COMMENT 'Keyed hash of the stable start of the input content. NULL when the content was not seen.',
    prompt_chars Nullable(UInt32) COMMENT 'Characters of input content. NULL when the content was not seen.',
    flags Array(LowCardinality(String)) COMMENT 'What was repaired or doubtful about the span, such as a replaced time.',
    attributes Map(LowCardinality(String), String) COMMENT 'Attributes that have no column, without message content.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a span is the one that counts.',
    ingested_at DateTime64(9, 'UTC') COMMENT 'When the row was written.'
)
AS SELECT
    s.trace_id, s.span_id, s.parent_span_id, s.billing_role, s.role_reason, s.duplicate_of, s.name, s.start_time,
    s.end_time, s.service, s.service_version, s.environment, s.dialect, s.operation, s.provider, s.request_model,
    s.response_model, s.model, s.response_id, s.service_tier, s.region, s.deployment, s.api_key_id, s.input_tokens,
    s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cache_write_1h_tokens, s.reasoning_tokens,
    s.audio_input_tokens, s.audio_output_tokens, s.image_input_tokens, s.image_output_tokens, s.other_usage,
    s.usage_basis,
    if(s.billing_role = 'call', s.list_cost, NULL) AS list_cost,
    if(s.billing_role = 'call', s.cost, NULL) AS cost,
    if(s.billing_role = 'call', s.cost_by_meter, map()) AS cost_by_meter,
    if(s.billing_role = 'call', s.cost_status, '') AS cost_status,
    if(s.billing_role = 'call', s.unpriced_reason, '') AS unpriced_reason,
    s.reported_cost, s.reported_cost_source,
    if(s.billing_role = 'call', s.price_id, '') AS price_id,
    if(s.billing_role = 'call', s.price_book, '') AS price_book,
    s.team, s.agent, s.feature, s.customer, s.`user`, s.project, s.task_type, s.experiment, s.agent_path,
    s.attribution_rule, s.tags, s.conversation_id, s.task_id, s.prompt_name, s.prompt_version, s.error,
    s.finish_reason, s.attempts, s.streaming, s.time_to_first_chunk, s.adjusted_count, s.prompt_hash, s.prefix_hash,
    s.prompt_chars, s.flags, s.attributes, s.version, s.ingested_at
FROM spans_ledger AS s FINAL
WHERE s.billing_role IN ('call', 'duplicate', 'aggregate')
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every span that describes a call or repeats totals of calls, with the reason. Only billing_role call carries a cost.';

CREATE OR REPLACE VIEW steps
(
    trace_id String COMMENT 'Trace id, 32 lower-case hex digits.',
    span_id String COMMENT 'Span id, 16 lower-case hex digits. With trace_id the identity of the row.',
    parent_span_id String COMMENT 'Span id of the parent in the same trace. Empty for a root span.',
    kind LowCardinality(String) COMMENT 'call, agent, tool, retrieval, workflow, guardrail, evaluation, memory or other.',
    name String COMMENT 'Span name as the tracer sent it.',
    tool String COMMENT 'Name of the tool that the step ran. Empty when it is no tool step.',
    args_hash Nullable(UInt64) COMMENT 'Keyed hash of the tool''s arguments: equal arguments have equal hashes. NULL when not seen.',
    start_time DateTime64(9, 'UTC') COMMENT 'Start of the span. 1970-01-01 when the span named no usable time (see flags).',
    end_time DateTime64(9, 'UTC') COMMENT 'End of the span.',
    service LowCardinality(String) COMMENT 'service.name of the resource. Empty when not set.',
    service_version String COMMENT 'service.version of the resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment, such as production or staging. Empty when not set.',
    dialect String COMMENT 'Tracer family whose attribute names the span uses.',
    operation LowCardinality(String) COMMENT 'What was asked for: chat, completion, embedding, rerank, image, speech and so on.',
    role_reason String COMMENT 'The rule that decided billing_role.',
    team LowCardinality(String) COMMENT 'Team that the span is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Nearest agent above the span, or the name that it carries. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the span is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the span is for. Empty when not set.',
    `user` String COMMENT 'User that the span is for. Empty when not set.',
    project String COMMENT 'Project that the span is for. Empty when not set.',
    task_type String COMMENT 'Kind of task that the span serves. Empty when not set.',
    experiment String COMMENT 'Experiment or variant that the span belongs to. Empty when not set.',
    agent_path Array(LowCardinality(String)) COMMENT 'Agents above the span, from root to nearest.',
    attribution_rule String COMMENT 'The rules that decided the attribution columns.',
    tags Map(LowCardinality(String), String) COMMENT 'The user''s own dimensions, by name.',
    conversation_id String COMMENT 'Conversation or session that the span belongs to. Empty when not set.',
    task_id String COMMENT 'Task that the span serves: the trace id unless a task id was given.',
    error String COMMENT 'Error type. Empty when the span did not fail.',
    attempts Nullable(UInt16) COMMENT 'Requests that the span stands for, retries inside it included. NULL when unknown.',
    adjusted_count Float64 COMMENT 'How many spans this one stands for after sampling. 1 when it was not sampled.',
    flags Array(LowCardinality(String)) COMMENT 'What was repaired or doubtful about the span, such as a replaced time.',
    attributes Map(LowCardinality(String), String) COMMENT 'Attributes that have no column, without message content.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a span is the one that counts.',
    ingested_at DateTime64(9, 'UTC') COMMENT 'When the row was written.'
)
AS SELECT
    trace_id, span_id, parent_span_id, kind, name, tool, args_hash, start_time, end_time, service, service_version,
    environment, dialect, operation, role_reason, team, agent, feature, customer, `user`, project, task_type,
    experiment, agent_path, attribution_rule, tags, conversation_id, task_id, error, attempts, adjusted_count, flags,
    attributes, version, ingested_at
FROM spans_ledger FINAL
WHERE billing_role = 'step'
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Agent runs, tools, retrievals and every other AI span that is no call.';

CREATE OR REPLACE VIEW tasks
(
    task_id String COMMENT 'Task id: the trace id unless a task id was given.',
    name String COMMENT 'Name of the task''s root span.',
    start_time DateTime64(9, 'UTC') COMMENT 'Start of the earliest span.',
    end_time DateTime64(9, 'UTC') COMMENT 'End of the latest span.',
    status LowCardinality(String) COMMENT 'Status of the root span: ok, error or unset.',
    outcome LowCardinality(String) COMMENT 'success, failure or unknown: what was told last; when nobody told, failure if the root span failed.',
    outcome_source LowCardinality(String) COMMENT 'Who told the outcome. Empty when nobody did.',
    value Nullable(Decimal128(6)) COMMENT 'USD that the outcome is worth. NULL when nobody said.',
    service LowCardinality(String) COMMENT 'service.name of the root span''s resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment of the root span. Empty when not set.',
    team LowCardinality(String) COMMENT 'Team that the task is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Outermost agent of the task. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the task is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the task is for. Empty when not set.',
    `user` String COMMENT 'User that the task is for. Empty when not set.',
    project LowCardinality(String) COMMENT 'Project that the task is for. Empty when not set.',
    task_type LowCardinality(String) COMMENT 'Kind of task. Empty when not set.',
    experiment LowCardinality(String) COMMENT 'Experiment or variant that the task belongs to. Empty when not set.',
    conversation_id String COMMENT 'Conversation or session that the task belongs to. Empty when not set.',
    traces UInt32 COMMENT 'Traces that the task joins.',
    calls UInt32 COMMENT 'Model calls, each counted once.',
    steps UInt32 COMMENT 'Steps: agent runs, tools, retrievals and so on.',
    tool_calls UInt32 COMMENT 'Steps that ran a tool.',
    agents Array(LowCardinality(String)) COMMENT 'Agents that took part.',
    models Array(LowCardinality(String)) COMMENT 'Models that were called.',
    tools Array(LowCardinality(String)) COMMENT 'Tools that were run.',
    depth UInt16 COMMENT 'Longest chain of agents, from root to leaf.',
    errors UInt32 COMMENT 'Spans that failed.',
    failed_calls UInt32 COMMENT 'Model calls that failed.',
    loops Nullable(UInt32) COMMENT 'Tool calls that repeated an earlier one of the task with the same arguments. NULL when no arguments are known.',
    retries Nullable(UInt32) COMMENT 'Requests beyond the first for the same call. NULL when no call tells its attempts.',
    input_tokens Nullable(Int64) COMMENT 'Sum of the known input tokens. NULL when no call has any.',
    output_tokens Nullable(Int64) COMMENT 'Sum of the known output tokens. NULL when no call has any.',
    cache_read_tokens Nullable(Int64) COMMENT 'Sum of the known tokens read from cache. NULL when no call has any.',
    cache_write_tokens Nullable(Int64) COMMENT 'Sum of the known tokens written to cache. NULL when no call has any.',
    list_cost Nullable(Decimal64(12)) COMMENT 'USD at list price: sum of the known. NULL when no call has one.',
    cost Nullable(Decimal64(12)) COMMENT 'USD at the user''s own price: sum of the known. NULL when no call has one.',
    unpriced_calls UInt32 COMMENT 'Calls whose cost is unknown, wholly or in part.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a task is the one that counts.',
    ingested_at DateTime64(9, 'UTC') COMMENT 'When the row was written.'
)
AS SELECT
    t.task_id, t.name, t.start_time, t.end_time, t.status,
    multiIf(ifNull(o.latest.1, '') != '', ifNull(o.latest.1, ''), t.status = 'error', 'failure', 'unknown') AS outcome,
    ifNull(o.latest.2, '') AS outcome_source, o.latest.3 AS value,
    t.service, t.environment, t.team, t.agent, t.feature, t.customer, t.`user`, t.project, t.task_type, t.experiment,
    t.conversation_id, t.traces, t.calls, t.steps, t.tool_calls, t.agents, t.models, t.tools, t.depth, t.errors,
    t.failed_calls, t.loops, t.retries, t.input_tokens, t.output_tokens, t.cache_read_tokens, t.cache_write_tokens,
    t.list_cost, t.cost, t.unpriced_calls, t.version, t.ingested_at
FROM (SELECT * FROM tasks_ledger FINAL) AS t
LEFT JOIN
(
    SELECT
        if(task_id = '', trace_id, task_id) AS task,
        argMax(tuple(outcome, source, value), tuple(told_at, version)) AS latest
    FROM outcomes_ledger FINAL
    GROUP BY task
) AS o ON o.task = t.task_id
COMMENT 'Tasks, one row each, with the latest word on their outcome.';

CREATE OR REPLACE VIEW prices
(
    price_book LowCardinality(String) COMMENT 'Version of the price book; joins calls.price_book.',
    price_id String COMMENT 'Price that calls were priced with; joins calls.price_id.',
    provider LowCardinality(String) COMMENT 'Provider that asks the price.',
    model LowCardinality(String) COMMENT 'Canonical model name.',
    meter LowCardinality(String) COMMENT 'What is counted: input, cache_read, cache_write_5m, cache_write_1h, output, web_search and so on.',
    valid_from Nullable(Date32) COMMENT 'First UTC day that the price holds. NULL for always before valid_to.',
    valid_to Nullable(Date32) COMMENT 'First UTC day that the price no longer holds. NULL while it holds.',
    `window` LowCardinality(String) COMMENT 'Hours of the day that the price holds for. Empty for all day.',
    variant LowCardinality(String) COMMENT 'Billing context, such as service_tier=batch. Empty for the ordinary price.',
    input_above Int64 COMMENT 'Input tokens of the call above which the price holds. 0 for any.',
    unit_price Decimal128(18) COMMENT 'USD for `per` units of the meter.',
    per Int64 COMMENT 'Units that unit_price buys: 1000000 for tokens, as a rule.',
    source String COMMENT 'Where the price was read.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    price_book, price_id, provider, model, meter, valid_from, valid_to, `window`, variant, input_above, unit_price,
    per, source, version
FROM prices_ledger FINAL
COMMENT 'Prices of every loaded book: what a call''s price_id stands for.';

CREATE OR REPLACE VIEW price_books
(
    price_book LowCardinality(String) COMMENT 'Version of the book; joins calls.price_book and prices.price_book.',
    sha256 String COMMENT 'SHA-256 of the book''s content, in hex.',
    date Date32 COMMENT 'Day the book was built for.',
    source String COMMENT 'Data that the book was built from, with its version.',
    licence String COMMENT 'Licence of that data.',
    providers UInt32 COMMENT 'Providers in the book.',
    models UInt32 COMMENT 'Models in the book.',
    loaded_at DateTime64(9, 'UTC') COMMENT 'When the book was first loaded.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    price_book, sha256, date, source, licence, providers, models, loaded_at, version
FROM price_books_ledger FINAL
COMMENT 'Price books that were loaded.';

CREATE OR REPLACE VIEW budgets
(
    budget_id String COMMENT 'Id of the budget.',
    name String COMMENT 'Name for people.',
    scope Map(LowCardinality(String), String) COMMENT 'What the budget covers: dimension -> value, all of which must match. Empty for everything.',
    period LowCardinality(String) COMMENT 'How often the limit starts anew: day, week, month, or total for never.',
    limit_usd Decimal128(6) COMMENT 'USD that may be spent in a period.',
    valid_from DateTime64(9, 'UTC') COMMENT 'When the budget begins to hold.',
    valid_to Nullable(DateTime64(9, 'UTC')) COMMENT 'When it ceases to hold. NULL while it holds.',
    told_by String COMMENT 'Who set it.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    budget_id, name, scope, period, limit_usd, valid_from, valid_to, told_by, version
FROM budgets_ledger FINAL
COMMENT 'Limits on spend.';

CREATE OR REPLACE VIEW outcomes
(
    task_id String COMMENT 'Task that is judged. Empty when only the trace is known.',
    trace_id String COMMENT 'Trace that is judged. Empty when only the task is known.',
    outcome LowCardinality(String) COMMENT 'success, failure or unknown.',
    value Nullable(Decimal128(6)) COMMENT 'USD that the outcome is worth. NULL when nobody said.',
    source LowCardinality(String) COMMENT 'Who judged: the name of an evaluator, a span attribute, an API client.',
    told_at DateTime64(9, 'UTC') COMMENT 'When it was told.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    task_id, trace_id, outcome, value, source, told_at, version
FROM outcomes_ledger FINAL
COMMENT 'What became of tasks, as it was told. A later word replaces an earlier one.';

CREATE OR REPLACE VIEW revenue
(
    revenue_id String COMMENT 'Id of the amount.',
    earned_at DateTime64(9, 'UTC') COMMENT 'When the amount was earned.',
    customer LowCardinality(String) COMMENT 'Customer who pays.',
    feature LowCardinality(String) COMMENT 'Product feature that is paid for. Empty when not told.',
    project LowCardinality(String) COMMENT 'Project that is paid for. Empty when not told.',
    task_id String COMMENT 'Task that is paid for. Empty when it is no single one.',
    amount Decimal128(6) COMMENT 'USD earned; negative for a refund.',
    source LowCardinality(String) COMMENT 'Where the amount comes from.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    revenue_id, earned_at, customer, feature, project, task_id, amount, source, version
FROM revenue_ledger FINAL
COMMENT 'What customers pay, for margins.';

CREATE OR REPLACE VIEW adjustments
(
    adjustment_id String COMMENT 'Id of the adjustment.',
    booked_at DateTime64(9, 'UTC') COMMENT 'Time that the amount counts for.',
    kind LowCardinality(String) COMMENT 'closed_period, idle_hardware, commitment or allocation.',
    cost Decimal128(12) COMMENT 'USD; negative for a credit.',
    reason String COMMENT 'Why, in words.',
    corrects_day Nullable(Date) COMMENT 'Day of a closed period that the amount corrects. NULL when it corrects none.',
    trace_id String COMMENT 'Trace that the amount corrects. Empty when it corrects no single one.',
    span_id String COMMENT 'Span that the amount corrects. Empty when it corrects no single one.',
    provider LowCardinality(String) COMMENT 'Provider who charges it. Empty when none does.',
    model LowCardinality(String) COMMENT 'Model that it is for. Empty when for none in particular.',
    team LowCardinality(String) COMMENT 'Team that the amount is for. Empty when for nobody in particular.',
    agent LowCardinality(String) COMMENT 'Agent that the amount is for. Empty when for none in particular.',
    feature LowCardinality(String) COMMENT 'Product feature that the amount is for. Empty when for none in particular.',
    environment LowCardinality(String) COMMENT 'Deployment environment that the amount is for. Empty when for none in particular.',
    customer LowCardinality(String) COMMENT 'Customer that the amount is for. Empty when for none in particular.',
    `user` String COMMENT 'User that the amount is for. Empty when for nobody in particular.',
    project LowCardinality(String) COMMENT 'Project that the amount is for. Empty when for none in particular.',
    task_type LowCardinality(String) COMMENT 'Kind of task that the amount is for. Empty when for none in particular.',
    experiment LowCardinality(String) COMMENT 'Experiment or variant that the amount is for. Empty when for none in particular.',
    tags Map(LowCardinality(String), String) COMMENT 'The user''s own dimensions, by name.',
    told_by String COMMENT 'Who booked it.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    adjustment_id, booked_at, kind, cost, reason, corrects_day, trace_id, span_id, provider, model, team, agent,
    feature, environment, customer, `user`, project, task_type, experiment, tags, told_by, version
FROM adjustments_ledger FINAL
COMMENT 'Amounts that are no call: corrections of closed periods, idle hardware, commitments, allocations.';

CREATE OR REPLACE VIEW restatements
(
    restatement_id String COMMENT 'Id of the restatement.',
    restated_at DateTime64(9, 'UTC') COMMENT 'When it was done.',
    day Date COMMENT 'UTC day of the calls that changed.',
    cause LowCardinality(String) COMMENT 'Why: late_span, late_parent, reprice, rule_change and so on.',
    calls UInt64 COMMENT 'Calls that changed.',
    cost_before Nullable(Decimal128(12)) COMMENT 'USD of these calls before. NULL when none was known.',
    cost_after Nullable(Decimal128(12)) COMMENT 'USD of these calls after. NULL when none is known.',
    detail Map(LowCardinality(String), String) COMMENT 'What changed, by column: old and new value, or the price books.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    restatement_id, restated_at, day, cause, calls, cost_before, cost_after, detail, version
FROM restatements_ledger FINAL
COMMENT 'Every change of stored cost or attribution, by cause and day.';

CREATE OR REPLACE VIEW audit
(
    audit_id String COMMENT 'Id of the entry.',
    at DateTime64(9, 'UTC') COMMENT 'When it was done.',
    actor String COMMENT 'Who did it.',
    action LowCardinality(String) COMMENT 'What was done, such as budget.set or period.close.',
    target String COMMENT 'Id of what it was done to.',
    detail Map(LowCardinality(String), String) COMMENT 'Old and new values.',
    version UInt64 COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.'
)
AS SELECT
    audit_id, at, actor, action, target, detail, version
FROM audit_ledger FINAL
COMMENT 'Who changed what by hand: prices, budgets, closings, adjustments.';

CREATE OR REPLACE VIEW spend
(
    source LowCardinality(String) COMMENT 'What the amount is: call, or adjustment.',
    kind LowCardinality(String) COMMENT 'Operation of the call, or kind of the adjustment.',
    id String COMMENT 'span_id of the call, adjustment_id of the adjustment.',
    trace_id String COMMENT 'Trace of the call, or that the adjustment corrects. Empty when there is none.',
    start_time DateTime64(9, 'UTC') COMMENT 'Start of the call, or the time that the adjustment counts for.',
    list_cost Nullable(Decimal128(12)) COMMENT 'USD at list price. NULL when unknown, and for adjustments.',
    cost Nullable(Decimal128(12)) COMMENT 'USD at the user''s own price. NULL when unknown.',
    cost_status LowCardinality(String) COMMENT 'priced, partial, unpriced or free for calls. Empty for adjustments.',
    unpriced_reason LowCardinality(String) COMMENT 'Why cost_status is partial or unpriced. Empty otherwise.',
    service LowCardinality(String) COMMENT 'service.name of the resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment, such as production or staging. Empty when not set.',
    provider LowCardinality(String) COMMENT 'Canonical name of who served the request. Empty when unknown.',
    model LowCardinality(String) COMMENT 'Canonical model name that was priced. Empty when unknown.',
    team LowCardinality(String) COMMENT 'Team that the span is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Nearest agent above the span, or the name that it carries. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the span is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the span is for. Empty when not set.',
    `user` String COMMENT 'User that the span is for. Empty when not set.',
    project String COMMENT 'Project that the span is for. Empty when not set.',
    task_type String COMMENT 'Kind of task that the span serves. Empty when not set.',
    experiment String COMMENT 'Experiment or variant that the span belongs to. Empty when not set.',
    tags Map(LowCardinality(String), String) COMMENT 'The user''s own dimensions, by name.',
    task_id String COMMENT 'Task that the span serves: the trace id unless a task id was given.'
)
AS SELECT
    'call' AS source, operation AS kind, span_id AS id, trace_id, start_time,
    list_cost, cost, cost_status, unpriced_reason,
    service, environment, provider, model, team, agent, feature, customer, `user`, project, task_type, experiment,
    tags, task_id
FROM calls
UNION ALL
SELECT
    'adjustment' AS source, kind, adjustment_id AS id, trace_id, booked_at AS start_time,
    NULL AS list_cost, cost, '' AS cost_status, '' AS unpriced_reason,
    '' AS service, environment, provider, model, team, agent, feature, customer, `user`, project, task_type,
    experiment, tags, '' AS task_id
FROM adjustments
COMMENT 'The whole bill as one list of amounts: calls and adjustments.';
