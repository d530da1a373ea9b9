-- Which share of what calls cost is known to be some team's?
-- When money was spent and no team is named, the share is known: it is 0.
SELECT ifNull(sumIf(cost, team != ''), 0) / nullIf(sum(cost), 0) AS "Attributed share"
FROM spancost.calls
WHERE $__timeFilter(start_time)
    AND {filters}
