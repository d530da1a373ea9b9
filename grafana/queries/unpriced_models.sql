-- Which models have calls without a price, or with none for a part of their usage, and why? The latest first.
SELECT
    max(start_time) AS "Last seen",
    if(provider = '', '(not set)', provider) AS "Provider",
    coalesce(nullIf(model, ''), nullIf(response_model, ''), nullIf(request_model, ''), '(not set)') AS "Model",
    unpriced_reason AS "Reason",
    count() AS "Calls",
    sum(input_tokens) AS "Input tokens",
    sum(output_tokens) AS "Output tokens",
    arrayStringConcat(arraySort(groupUniqArray(if(agent = '', '(not set)', agent))), ', ') AS "Agents"
FROM spancost.calls
WHERE $__timeFilter(start_time)
    AND cost_status IN ('unpriced', 'partial') AND unpriced_reason != 'failed_no_usage'
    AND {filters}
GROUP BY "Provider", "Model", "Reason"
ORDER BY "Last seen" DESC, "Model"
LIMIT 20
