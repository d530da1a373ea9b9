"""A believable company whose month of model calls can be sent to a collector.

Read `company` (who exists), `plan` (what happens on which day), `workload` (the spans of a day as columns), `encode`
(columns to OTLP requests), `ledger` and `manifest` (what it must add up to), `command` (all of it, sent).
"""
