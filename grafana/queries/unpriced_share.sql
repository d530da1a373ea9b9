-- Which share of the calls has no price, or none for a part of its usage?
-- Failed calls without usage stay out: nothing was consumed that could have a price.
SELECT countIf(cost_status IN ('unpriced', 'partial')) / nullIf(count(), 0) AS "Unpriced share"
FROM spancost.calls
WHERE $__timeFilter(start_time) AND unpriced_reason != 'failed_no_usage'
    AND {filters}
