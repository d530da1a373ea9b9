"""Acme, a company that lives on agents: who works there, with which models, for whom."""

from __future__ import annotations

from dataclasses import dataclass

OTEL, OPENINFERENCE, VERCEL = 0, 1, 2
"""Which tracer family a service uses; positions in `encode.SHAPES`."""

ENVIRONMENTS = ("production", "staging")

TIERS = ("enterprise", "pro", "starter")


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the provider names it. `cache`: `auto` (reads only), `explicit` (writes are paid), or ''."""

    name: str
    snapshot: str
    provider: str
    host: str
    operation: str = "chat"
    cache: str = ""
    output_us: int = 12_000
    """Microseconds a token of output."""


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable, owned by one team."""

    name: str
    team: str
    tracer: int
    version: str
    content: bool = False
    """Whether its tracer sends message content."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A feature's prompt: its fixed part, what one turn adds to the history, and a usual answer, in tokens."""

    name: str
    tokens: int
    turn: int
    output: int
    version: str = "v3"
    model: str = ""
    """The one model it is tied to, if it is."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of a service, with its features; a helper has none of its own and is called by others."""

    name: str
    service: str
    weight: int
    models: tuple[tuple[str, int], ...]
    """Model name and its share in thousandths."""
    tools: tuple[str, ...]
    features: tuple[Prompt, ...] = ()
    helper: str = ""
    helps: Prompt | None = None
    embeds: bool = False
    """Whether a run begins with an embedding."""
    streams: bool = False
    internal: bool = False
    """Whether it serves the company itself and so no customer."""
    reuses_cache: bool = True
    """False for one that writes the cache and never reads it."""


MODELS = (
    Model("gpt-4o", "gpt-4o-2024-08-06", "openai", "api.openai.com", cache="auto"),
    Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", "api.openai.com", cache="auto", output_us=8_000),
    Model("gpt-4.1", "gpt-4.1-2025-04-14", "openai", "api.openai.com", cache="auto"),
    Model("text-embedding-3-small", "text-embedding-3-small", "openai", "api.openai.com", "embeddings"),
    Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", "api.anthropic.com", cache="explicit"),
    Model("claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic", "api.anthropic.com", cache="explicit"),
    Model(
        "gemini-2.5-flash",
        "gemini-2.5-flash",
        "gcp.gemini",
        "generativelanguage.googleapis.com",
        "generate_content",
        cache="auto",
        output_us=5_000,
    ),
    Model("acme-internal-70b", "acme-internal-70b", "openai", "models.acme.internal"),
)

SERVICES = (
    Service("support-assistant", "support", OTEL, "4.2.0", content=True),
    Service("search-api", "search", OPENINFERENCE, "1.19.3"),
    Service("sales-web", "sales", VERCEL, "2026.10.2"),
    Service("finance-agents", "finance", OTEL, "0.9.1", content=True),
    Service("dev-agents", "engineering", OTEL, "3.0.5"),
    Service("research-desk", "research", OTEL, "1.4.0", content=True),
)

AGENTS = (
    Agent(
        "support-copilot",
        "support-assistant",
        200,
        (("claude-sonnet-4-5", 600), ("claude-haiku-4-5", 400)),
        ("search_knowledge_base", "get_order", "update_ticket"),
        (
            Prompt("ticket-triage", 2_400, 380, 160, "v7"),
            Prompt("reply-draft", 3_100, 520, 340),
            Prompt("escalation-summary", 2_800, 450, 260),
        ),
        helper="policy-checker",
        streams=True,
    ),
    Agent(
        "refund-agent",
        "support-assistant",
        100,
        (("gpt-4.1", 1000),),
        ("lookup_invoice", "issue_refund"),
        (
            Prompt("refund-decision", 1_900, 330, 180),
            Prompt("refund-letter", 1_500, 260, 310),
            Prompt("chargeback-evidence", 2_600, 470, 420),
        ),
    ),
    Agent(
        "answer-engine",
        "search-api",
        180,
        (("gpt-4o-mini", 1000),),
        ("vector_search", "fetch_page"),
        (
            Prompt("site-search", 1_400, 620, 190),
            Prompt("faq-answer", 1_250, 540, 150),
            Prompt("product-compare", 1_700, 720, 330),
        ),
        embeds=True,
    ),
    Agent(
        "catalog-enricher",
        "search-api",
        70,
        (("gpt-4o-mini", 1000),),
        ("read_product", "write_product"),
        (
            Prompt("product-titles", 900, 210, 60),
            Prompt("product-attributes", 1_300, 260, 170),
            Prompt("image-captions", 700, 190, 70),
        ),
        internal=True,
    ),
    Agent(
        "lead-qualifier",
        "sales-web",
        110,
        (("gpt-4o-mini", 1000),),
        ("crm_lookup", "company_profile"),
        (
            Prompt("lead-score", 1_100, 240, 90),
            Prompt("lead-enrichment", 1_300, 350, 180),
            Prompt("meeting-notes", 2_200, 410, 380),
        ),
    ),
    Agent(
        "proposal-writer",
        "sales-web",
        50,
        (("gpt-4o", 700), ("gpt-4o-mini", 300)),
        ("crm_lookup", "price_list"),
        (
            Prompt("proposal-draft", 2_900, 640, 900),
            Prompt("contract-review", 4_800, 900, 520),
            Prompt("rfp-answers", 3_600, 710, 640),
        ),
    ),
    Agent(
        "invoice-matcher",
        "finance-agents",
        80,
        (("gpt-4.1", 400), ("gpt-4o-mini", 600)),
        ("read_invoice", "match_order"),
        (
            Prompt("invoice-match", 1_600, 300, 120),
            Prompt("expense-check", 1_400, 280, 110),
            Prompt("payment-reminder", 1_000, 220, 240),
        ),
    ),
    Agent(
        "ledger-auditor",
        "finance-agents",
        30,
        (("claude-sonnet-4-5", 1000),),
        ("read_ledger", "flag_entry"),
        (
            Prompt("ledger-audit", 3_900, 480, 280),
            Prompt("variance-report", 3_200, 430, 420),
            Prompt("tax-check", 3_500, 390, 240),
        ),
        reuses_cache=False,
    ),
    Agent(
        "code-reviewer",
        "dev-agents",
        90,
        (("claude-sonnet-4-5", 1000),),
        ("read_file", "run_tests", "grep"),
        (
            Prompt("pull-request-review", 5_200, 900, 430),
            Prompt("test-writer", 4_100, 820, 760),
            Prompt("release-notes", 2_000, 380, 420, model="acme-internal-70b"),
        ),
        internal=True,
    ),
    Agent(
        "research-analyst",
        "research-desk",
        60,
        (("gpt-4o", 500), ("gemini-2.5-flash", 500)),
        ("web_search", "read_document"),
        (
            Prompt("market-brief", 2_300, 760, 620),
            Prompt("competitor-watch", 2_000, 690, 480),
            Prompt("trend-report", 2_500, 810, 710),
        ),
        helper="web-reader",
        streams=True,
    ),
    Agent(
        "policy-checker",
        "support-assistant",
        0,
        (("claude-haiku-4-5", 1000),),
        ("read_policy",),
        helps=Prompt("policy-check", 4_600, 240, 80),
    ),
    Agent(
        "web-reader",
        "research-desk",
        0,
        (("gemini-2.5-flash", 1000),),
        ("open_page", "extract_table"),
        helps=Prompt("page-digest", 1_200, 1_400, 260),
    ),
)

CUSTOMERS = tuple(f"cust-{number:03d}" for number in range(1, 201))
TIER_SIZES = (20, 60, 120)
TIER_WEIGHTS = (30, 8, 2)
LOSING_CUSTOMER = 116
"""Position of the customer who pays a starter's flat rate and has contracts reviewed by the hundred."""

FEATURES = tuple(prompt for agent in AGENTS for prompt in agent.features)
PROMPTS = FEATURES + tuple(agent.helps for agent in AGENTS if agent.helps)
"""A feature's position is its prompt's position; the helpers' prompts come after."""
TOOLS = tuple(dict.fromkeys(tool for agent in AGENTS for tool in agent.tools))
TEAMS = tuple(service.team for service in SERVICES)
