-- The tables. Every one is a ledger: a row written again with a higher version replaces the older one, and nobody but
-- Spancost reads it as it stands. What users read are the views in views.sql.
-- No statement names a database: the session's decides. Comments are the reference that docs/sql.md is made from.

-- Merges are what costs here, so a merge waits until it has many parts to join (a row is rewritten once or twice before
-- its day is closed, not five times), parts stay compact for as long as an insert makes them, and statistics that
-- nobody asked for are off. Only columns that reports group by are LowCardinality: in a merge it costs three times a
-- String. Closed days are joined into one part, where late restatements meet the rows that they replace.
CREATE TABLE spans_ledger
(
    trace_id String CODEC(ZSTD(1)) COMMENT 'Trace id, 32 lower-case hex digits.',
    span_id String CODEC(ZSTD(1)) COMMENT 'Span id, 16 lower-case hex digits. With trace_id the identity of the row.',
    parent_span_id String CODEC(ZSTD(1)) COMMENT 'Span id of the parent in the same trace. Empty for a root span.',
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'Start of the span. 1970-01-01 when the span named no usable time (see flags).',
    end_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'End of the span.',
    billing_role LowCardinality(String) COMMENT 'What the span means for the bill: call, duplicate (another description of a call), aggregate (a parent that repeats its children) or step.',
    role_reason String COMMENT 'The rule that decided billing_role.',
    duplicate_of String CODEC(ZSTD(1)) COMMENT 'The call this span describes again: its span id, or trace_id:span_id when it is in another trace. Empty when the span is no duplicate.',
    kind LowCardinality(String) COMMENT 'call, agent, tool, retrieval, workflow, guardrail, evaluation, memory or other.',
    name String CODEC(ZSTD(1)) COMMENT 'Span name as the tracer sent it.',
    service LowCardinality(String) COMMENT 'service.name of the resource. Empty when not set.',
    service_version String COMMENT 'service.version of the resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment, such as production or staging. Empty when not set.',
    dialect String COMMENT 'Tracer family whose attribute names the span uses.',
    operation LowCardinality(String) COMMENT 'What was asked for: chat, completion, embedding, rerank, image, speech and so on.',
    provider LowCardinality(String) COMMENT 'Canonical name of who served the request. Empty when unknown.',
    request_model String COMMENT 'Model name as requested. Empty when not set.',
    response_model String COMMENT 'Model name as the provider answered. Empty when not set.',
    model LowCardinality(String) COMMENT 'Canonical model name that was priced. Empty when unknown.',
    response_id String CODEC(ZSTD(1)) COMMENT 'The provider''s id of the response. Empty when not set.',
    service_tier String COMMENT 'Service tier that was billed, such as batch, flex or priority. Empty for the standard tier or when not set.',
    region String COMMENT 'Cloud region or data residency that sets the price. Empty when not set.',
    deployment String COMMENT 'Deployment or endpoint name at the provider. Empty when not set.',
    api_key_id String COMMENT 'Id or label of the API key, never the key. Empty when not set.',
    input_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'All input tokens, cached ones and those of other modalities included. NULL when unknown.',
    output_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'All output tokens, reasoning included. NULL when unknown.',
    cache_read_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_tokens that was read from the provider''s cache. NULL when unknown.',
    cache_write_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_tokens that was written to the provider''s cache, all lifetimes. NULL when unknown.',
    cache_write_1h_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of cache_write_tokens with a lifetime of one hour. NULL when unknown.',
    reasoning_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output_tokens that was spent on reasoning. NULL when unknown.',
    audio_input_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_tokens that is audio. NULL when unknown.',
    audio_output_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output_tokens that is audio. NULL when unknown.',
    image_input_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of input_tokens that is images. NULL when unknown.',
    image_output_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Part of output_tokens that is images. NULL when unknown.',
    other_usage Map(LowCardinality(String), Int64) CODEC(ZSTD(1)) COMMENT 'Rare meters that have no column, by meter name, in units of the meter (web_search in requests).',
    usage_basis String COMMENT 'The rule that turned the tracer''s counts into these.',
    list_cost Nullable(Decimal64(12)) CODEC(T64, ZSTD(1)) COMMENT 'USD at list price. NULL when unknown.',
    cost Nullable(Decimal64(12)) CODEC(T64, ZSTD(1)) COMMENT 'USD at the user''s own price (list price where there is none). NULL when unknown.',
    cost_by_meter Map(LowCardinality(String), Decimal64(12)) CODEC(ZSTD(1)) COMMENT 'USD of cost by meter. The parts add up to cost.',
    cost_status LowCardinality(String) COMMENT 'priced, partial (a part has no price), unpriced (see unpriced_reason) or free. Empty for steps.',
    unpriced_reason String COMMENT 'Why cost_status is partial or unpriced. Empty otherwise.',
    reported_cost Nullable(Decimal128(6)) CODEC(ZSTD(1)) COMMENT 'USD that a provider, gateway or tracer said it cost. Kept beside cost, never added. NULL when nobody said.',
    reported_cost_source String COMMENT 'Who said reported_cost. Empty when nobody did.',
    price_id String COMMENT 'Price that was used; joins prices.price_id. Empty when unpriced.',
    price_book String COMMENT 'Version of the price book that was used; joins price_books.price_book. Empty when unpriced.',
    team LowCardinality(String) COMMENT 'Team that the span is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Nearest agent above the span, or the name that it carries. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the span is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the span is for. Empty when not set.',
    `user` String CODEC(ZSTD(1)) COMMENT 'User that the span is for. Empty when not set.',
    project String COMMENT 'Project that the span is for. Empty when not set.',
    task_type String COMMENT 'Kind of task that the span serves. Empty when not set.',
    experiment String COMMENT 'Experiment or variant that the span belongs to. Empty when not set.',
    agent_path Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'Agents above the span, from root to nearest.',
    attribution_rule String COMMENT 'The rules that decided the attribution columns.',
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'The user''s own dimensions, by name.',
    conversation_id String CODEC(ZSTD(1)) COMMENT 'Conversation or session that the span belongs to. Empty when not set.',
    task_id String CODEC(ZSTD(1)) COMMENT 'Task that the span serves: the trace id unless a task id was given.',
    prompt_name String COMMENT 'Name of the prompt template. Empty when not set.',
    prompt_version String COMMENT 'Version of the prompt template. Empty when not set.',
    tool String COMMENT 'Name of the tool that the step ran. Empty when it is no tool step.',
    args_hash Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Keyed hash of the tool''s arguments: equal arguments have equal hashes. NULL when not seen.',
    error String COMMENT 'Error type. Empty when the span did not fail.',
    finish_reason String COMMENT 'Why the model stopped. Empty when not set.',
    attempts Nullable(UInt16) CODEC(T64, ZSTD(1)) COMMENT 'Requests that the span stands for, retries inside it included. NULL when unknown.',
    streaming Nullable(Bool) COMMENT 'Whether the answer was streamed. NULL when unknown.',
    time_to_first_chunk Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Seconds until the first chunk of a streamed answer. NULL when unknown.',
    adjusted_count Float64 CODEC(ZSTD(1)) COMMENT 'How many spans this one stands for after sampling. 1 when it was not sampled.',
    prompt_hash Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Keyed hash of the input content: equal prompts have equal hashes. NULL when the content was not seen.',
    prefix_hash Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Keyed hash of the stable start of the input content. NULL when the content was not seen.',
    prompt_chars Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Characters of input content. NULL when the content was not seen.',
    flags Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'What was repaired or doubtful about the span, such as a replaced time.',
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Attributes that have no column, without message content.',
    version UInt64 CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a span is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.',
    ingested_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written.',
    INDEX trace_id_bloom trace_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toDate(start_time)
ORDER BY (toStartOfHour(start_time), trace_id, span_id)
SETTINGS
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1,
    min_bytes_for_wide_part = 67108864,
    merge_selector_base = 60,
    auto_statistics_types = ''
COMMENT 'Every AI span, one row each, whatever it means for the bill.';

CREATE TABLE tasks_ledger
(
    task_id String CODEC(ZSTD(1)) COMMENT 'Task id: the trace id unless a task id was given.',
    name String CODEC(ZSTD(1)) COMMENT 'Name of the task''s root span.',
    service LowCardinality(String) COMMENT 'service.name of the root span''s resource. Empty when not set.',
    environment LowCardinality(String) COMMENT 'Deployment environment of the root span. Empty when not set.',
    team LowCardinality(String) COMMENT 'Team that the task is for. Empty when nobody is known.',
    agent LowCardinality(String) COMMENT 'Outermost agent of the task. Empty when there is none.',
    feature LowCardinality(String) COMMENT 'Product feature that the task is for. Empty when not set.',
    customer LowCardinality(String) COMMENT 'Customer that the task is for. Empty when not set.',
    `user` String CODEC(ZSTD(1)) COMMENT 'User that the task is for. Empty when not set.',
    project LowCardinality(String) COMMENT 'Project that the task is for. Empty when not set.',
    task_type LowCardinality(String) COMMENT 'Kind of task. Empty when not set.',
    experiment LowCardinality(String) COMMENT 'Experiment or variant that the task belongs to. Empty when not set.',
    conversation_id String CODEC(ZSTD(1)) COMMENT 'Conversation or session that the task belongs to. Empty when not set.',
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'Start of the earliest span.',
    end_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'End of the latest span.',
    traces UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Traces that the task joins.',
    calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Model calls, each counted once.',
    steps UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Steps: agent runs, tools, retrievals and so on.',
    tool_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Steps that ran a tool.',
    agents Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'Agents that took part.',
    models Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'Models that were called.',
    tools Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'Tools that were run.',
    depth UInt16 CODEC(T64, ZSTD(1)) COMMENT 'Longest chain of agents, from root to leaf.',
    errors UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Spans that failed.',
    failed_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Model calls that failed.',
    loops Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Tool calls that repeated an earlier one of the task with the same arguments. NULL when no arguments are known.',
    retries Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Requests beyond the first for the same call. NULL when no call tells its attempts.',
    input_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Sum of the known input tokens. NULL when no call has any.',
    output_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Sum of the known output tokens. NULL when no call has any.',
    cache_read_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Sum of the known tokens read from cache. NULL when no call has any.',
    cache_write_tokens Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Sum of the known tokens written to cache. NULL when no call has any.',
    list_cost Nullable(Decimal64(12)) CODEC(T64, ZSTD(1)) COMMENT 'USD at list price: sum of the known. NULL when no call has one.',
    cost Nullable(Decimal64(12)) CODEC(T64, ZSTD(1)) COMMENT 'USD at the user''s own price: sum of the known. NULL when no call has one.',
    unpriced_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose cost is unknown, wholly or in part.',
    status LowCardinality(String) COMMENT 'Status of the root span: ok, error or unset.',
    version UInt64 CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a task is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.',
    ingested_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY task_id
SETTINGS
    merge_selector_base = 20,
    auto_statistics_types = ''
COMMENT 'Every task, one row each. Not partitioned: a task''s start moves as its spans arrive.';

CREATE TABLE prices_ledger
(
    price_book LowCardinality(String) COMMENT 'Version of the price book; joins calls.price_book.',
    price_id String CODEC(ZSTD(1)) COMMENT 'Price that calls were priced with; joins calls.price_id.',
    provider LowCardinality(String) COMMENT 'Provider that asks the price.',
    model LowCardinality(String) COMMENT 'Canonical model name.',
    meter LowCardinality(String) COMMENT 'What is counted: input, cache_read, cache_write_5m, cache_write_1h, output, web_search and so on.',
    valid_from Nullable(Date32) CODEC(ZSTD(1)) COMMENT 'First UTC day that the price holds. NULL for always before valid_to.',
    valid_to Nullable(Date32) CODEC(ZSTD(1)) COMMENT 'First UTC day that the price no longer holds. NULL while it holds.',
    `window` LowCardinality(String) COMMENT 'Hours of the day that the price holds for. Empty for all day.',
    variant LowCardinality(String) COMMENT 'Billing context, such as service_tier=batch. Empty for the ordinary price.',
    input_above Int64 CODEC(T64, ZSTD(1)) COMMENT 'Input tokens of the call above which the price holds. 0 for any.',
    unit_price Decimal128(18) CODEC(ZSTD(1)) COMMENT 'USD for `per` units of the meter.',
    per Int64 CODEC(T64, ZSTD(1)) COMMENT 'Units that unit_price buys: 1000000 for tokens, as a rule.',
    source String CODEC(ZSTD(1)) COMMENT 'Where the price was read.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (price_book, provider, model, meter, price_id, variant, `window`, input_above)
COMMENT 'Prices of every loaded book: what a call''s price_id stands for.';

CREATE TABLE price_books_ledger
(
    price_book LowCardinality(String) COMMENT 'Version of the book; joins calls.price_book and prices.price_book.',
    sha256 String CODEC(ZSTD(1)) COMMENT 'SHA-256 of the book''s content, in hex.',
    date Date32 CODEC(ZSTD(1)) COMMENT 'Day the book was built for.',
    source String CODEC(ZSTD(1)) COMMENT 'Data that the book was built from, with its version.',
    licence String CODEC(ZSTD(1)) COMMENT 'Licence of that data.',
    providers UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Providers in the book.',
    models UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Models in the book.',
    loaded_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the book was first loaded.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY price_book
COMMENT 'Price books that were loaded.';

CREATE TABLE budgets_ledger
(
    budget_id String CODEC(ZSTD(1)) COMMENT 'Id of the budget.',
    name String CODEC(ZSTD(1)) COMMENT 'Name for people.',
    scope Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'What the budget covers: dimension -> value, all of which must match. Empty for everything.',
    period LowCardinality(String) COMMENT 'How often the limit starts anew: day, week, month, or total for never.',
    limit_usd Decimal128(6) CODEC(ZSTD(1)) COMMENT 'USD that may be spent in a period.',
    valid_from DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the budget begins to hold.',
    valid_to Nullable(DateTime64(9, 'UTC')) CODEC(ZSTD(1)) COMMENT 'When it ceases to hold. NULL while it holds.',
    told_by String CODEC(ZSTD(1)) COMMENT 'Who set it.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY budget_id
COMMENT 'Limits on spend.';

CREATE TABLE outcomes_ledger
(
    task_id String CODEC(ZSTD(1)) COMMENT 'Task that is judged. Empty when only the trace is known.',
    trace_id String CODEC(ZSTD(1)) COMMENT 'Trace that is judged. Empty when only the task is known.',
    outcome LowCardinality(String) COMMENT 'success, failure or unknown.',
    value Nullable(Decimal128(6)) CODEC(ZSTD(1)) COMMENT 'USD that the outcome is worth. NULL when nobody said.',
    source LowCardinality(String) COMMENT 'Who judged: the name of an evaluator, a span attribute, an API client.',
    told_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was told.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (task_id, trace_id, source)
COMMENT 'What became of tasks, as it was told. A later word replaces an earlier one.';

CREATE TABLE revenue_ledger
(
    revenue_id String CODEC(ZSTD(1)) COMMENT 'Id of the amount.',
    earned_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the amount was earned.',
    customer LowCardinality(String) COMMENT 'Customer who pays.',
    feature LowCardinality(String) COMMENT 'Product feature that is paid for. Empty when not told.',
    project LowCardinality(String) COMMENT 'Project that is paid for. Empty when not told.',
    task_id String CODEC(ZSTD(1)) COMMENT 'Task that is paid for. Empty when it is no single one.',
    amount Decimal128(6) CODEC(ZSTD(1)) COMMENT 'USD earned; negative for a refund.',
    source LowCardinality(String) COMMENT 'Where the amount comes from.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY revenue_id
COMMENT 'What customers pay, for margins.';

CREATE TABLE adjustments_ledger
(
    adjustment_id String CODEC(ZSTD(1)) COMMENT 'Id of the adjustment.',
    booked_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'Time that the amount counts for.',
    kind LowCardinality(String) COMMENT 'closed_period, idle_hardware, commitment or allocation.',
    cost Decimal128(12) CODEC(ZSTD(1)) COMMENT 'USD; negative for a credit.',
    reason String CODEC(ZSTD(1)) COMMENT 'Why, in words.',
    corrects_day Nullable(Date) CODEC(ZSTD(1)) COMMENT 'Day of a closed period that the amount corrects. NULL when it corrects none.',
    trace_id String CODEC(ZSTD(1)) COMMENT 'Trace that the amount corrects. Empty when it corrects no single one.',
    span_id String CODEC(ZSTD(1)) COMMENT 'Span that the amount corrects. Empty when it corrects no single one.',
    provider LowCardinality(String) COMMENT 'Provider who charges it. Empty when none does.',
    model LowCardinality(String) COMMENT 'Model that it is for. Empty when for none in particular.',
    team LowCardinality(String) COMMENT 'Team that the amount is for. Empty when for nobody in particular.',
    agent LowCardinality(String) COMMENT 'Agent that the amount is for. Empty when for none in particular.',
    feature LowCardinality(String) COMMENT 'Product feature that the amount is for. Empty when for none in particular.',
    environment LowCardinality(String) COMMENT 'Deployment environment that the amount is for. Empty when for none in particular.',
    customer LowCardinality(String) COMMENT 'Customer that the amount is for. Empty when for none in particular.',
    `user` String CODEC(ZSTD(1)) COMMENT 'User that the amount is for. Empty when for nobody in particular.',
    project LowCardinality(String) COMMENT 'Project that the amount is for. Empty when for none in particular.',
    task_type LowCardinality(String) COMMENT 'Kind of task that the amount is for. Empty when for none in particular.',
    experiment LowCardinality(String) COMMENT 'Experiment or variant that the amount is for. Empty when for none in particular.',
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'The user''s own dimensions, by name.',
    told_by String CODEC(ZSTD(1)) COMMENT 'Who booked it.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY adjustment_id
COMMENT 'Amounts that are no call: corrections of closed periods, idle hardware, commitments, allocations.';

CREATE TABLE restatements_ledger
(
    restatement_id String CODEC(ZSTD(1)) COMMENT 'Id of the restatement.',
    restated_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was done.',
    day Date CODEC(ZSTD(1)) COMMENT 'UTC day of the calls that changed.',
    cause LowCardinality(String) COMMENT 'Why: late_span, late_parent, reprice, rule_change and so on.',
    calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls that changed.',
    cost_before Nullable(Decimal128(12)) CODEC(ZSTD(1)) COMMENT 'USD of these calls before. NULL when none was known.',
    cost_after Nullable(Decimal128(12)) CODEC(ZSTD(1)) COMMENT 'USD of these calls after. NULL when none is known.',
    detail Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'What changed, by column: old and new value, or the price books.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (day, cause, restatement_id)
COMMENT 'Every change of stored cost or attribution, by cause and day.';

CREATE TABLE audit_ledger
(
    audit_id String CODEC(ZSTD(1)) COMMENT 'Id of the entry.',
    at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was done.',
    actor String CODEC(ZSTD(1)) COMMENT 'Who did it.',
    action LowCardinality(String) COMMENT 'What was done, such as budget.set or period.close.',
    target String CODEC(ZSTD(1)) COMMENT 'Id of what it was done to.',
    detail Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Old and new values.',
    version UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(ZSTD(1)) COMMENT 'Nanosecond at which the row was decided. The highest version of a key is the one that counts.',
    is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1 when the row was withdrawn.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (at, audit_id)
COMMENT 'Who changed what by hand: prices, budgets, closings, adjustments.';

-- What migrate.py applied: one row a file. Id 0 is views.sql as it was last applied.
CREATE TABLE schema_migrations
(
    id UInt32 COMMENT 'Number of the migration.',
    name String COMMENT 'Name of its file.',
    checksum String COMMENT 'SHA-256 of the file, in hex.',
    applied_at DateTime64(9, 'UTC') COMMENT 'When it was applied.'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY id
COMMENT 'Migrations that were applied.';
