"""Dialect files of one's own: every mistake is named at once, with its file and key."""

import pytest
import yaml

from spancost.errors import ConfigError
from spancost.normalise.dialects import load_conventions


@pytest.fixture
def problems(tmp_path):
    """`problems(data)`: what is said of a folder with this one dialect in it."""

    def of(data):
        text = data if isinstance(data, str) else yaml.safe_dump({"dialect": "mine"} | data)
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(ConfigError) as told:
            load_conventions(tmp_path)
        return list(told.value.problems)

    return of


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"fields": {"tool": [{"json": "a.b"}]}}, "fields.tool: `from` is missing"),
        ({"fields": {"tool": ["a", 7]}}, "fields.tool: 7 is neither an attribute"),
        ({"fields": {"tool": "a"}}, "fields.tool: 'a' is no list; write [a]"),
        ({"fields": {"tool": [{"from": "a", "jason": "b"}]}}, "fields.tool: unknown key `jason`; known are from, json"),
        ({"fields": {"tool": [{"from": "a", "scale": "b"}]}}, "fields.tool: scale: 'b' is no number"),
        ({"fields": {"tool": [{"from": "a", "when": "b"}]}}, "fields.tool: when: 'b' is not one attribute"),
        ({"fields": {"tol": ["a"]}}, "fields: unknown field `tol`; known are agent, attempts"),
        ({"fields": ["tool"]}, "fields: ['tool'] is no mapping"),
        ({"fields": {"tool": [{"from": "input", "pattern": "("}]}}, "pattern: '(' is no regular expression"),
        ({"fields": {"tool": [{"from": "input", "pattern": "a"}]}}, "fields.tool: pattern: 'a' has not exactly"),
        ({"fields": {"tool": [{"from": "a", "pattern": "(b)"}]}}, "fields.tool: `a` has a pattern, so it must be"),
        ({"order": "soon"}, "order: 'soon' is no whole number"),
        ({"detail": True}, "detail: True is no whole number"),
        ({"attempts_are_retries": "yes"}, "attempts_are_retries: 'yes' is neither true nor false"),
        ({"scopes": "mine"}, "scopes: 'mine' is no list; write [mine]"),
        ({"attributes": [{"mine": 1}]}, "attributes: {'mine': 1} is no text"),
        ({"operation": [{"values": {"a": "chat"}}]}, "operation: `from` is missing"),
        ({"operation": [{"from": "a", "values": {"b": True}}]}, "operation: values: True is no text"),
        ({"operation": [{"from": "a", "unles": "b"}]}, "operation: unknown key `unles`"),
        ({"input_exclusive": [{"providers": "openai"}]}, "input_exclusive: unknown key `providers`"),
        ({"output_without_reasoning": "all"}, "output_without_reasoning: 'all' is no list"),
        ({"not_calls": [{"name": "a"}]}, "not_calls: `reason` is missing"),
        ({"content": {"inputs": ["a"]}}, "content: unknown key `inputs`; known are arguments, input, keep, output"),
        ({"content": {"input": "a"}}, "content.input: 'a' is no list"),
        ({"content": {"input": ["a*b"]}}, "content.input: `a*b`: one `*`, at the start or the end"),
        ({"content": {"keep": ["a.*"]}}, "content.keep: `a.*`: a `*` means nothing here"),
        ({"drop": ["a.*"]}, "drop: `a.*`: a `*` means nothing here"),
        ({"extends": "nobody"}, "`extends: nobody` names no dialect"),
        ({"extends": ["otel_genai"]}, "names no dialect"),
        ({"dialect": "openinference"}, "`dialect: openinference` is the name of another file's dialect"),
        ({"dialect": ""}, "`dialect` (the name) is missing"),
        ({"scope": ["a"]}, "unknown key `scope`; known are agent_from_span_name"),
        ("- a\n", "is no mapping of keys to values"),
        ("dialect: [\n", "cannot be read: while parsing"),
        ("dialect: \x00\n", "cannot be read: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_and_key(problems, data, said):
    """Whatever is wrong, the line begins with the file's name and says the key and what would be right."""
    (line,) = problems(data)

    assert line.startswith("mine.yaml: ")
    assert said in line
    assert "\n" not in line


def test_all_mistakes_are_told_at_once(problems):
    """A file with three mistakes gives three lines."""
    lines = problems({"order": "soon", "scopes": "mine", "fields": {"tol": ["a"]}})

    assert len(lines) == 3


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    """A misspelt `conventions.extra_dir` is not an empty one."""
    with pytest.raises(ConfigError, match=r"^conventions\.extra_dir: .* is no directory$"):
        load_conventions(tmp_path / "absent")


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("gen_ai.content.prompt", "input"),
        ("langfuse.observation.input", "input"),
        ("mlflow.spanOutputs", "output"),
        ("logfire.msg", "output"),
        ("acme.prompt", "input"),
        ("app.message_text", "input"),
        ("acme.0.content", "output"),
        ("exception.escaped", "output"),
        ("tool_arguments", "arguments"),
        ("exception.type", ""),  # the field `error`
        ("gen_ai.prompt.name", ""),  # a field
        ("llm.token_count.prompt", ""),  # a count
        ("llm.token_count.completion", ""),
        ("http.request.body.size", ""),  # `keep`
        ("acme.prompt_version", ""),
    ],
)
def test_content_is_known_by_name_start_or_end(key, role):
    """`content.yaml` takes in what no dialect names, and nothing that is read as something else."""
    assert load_conventions().content.role(key) == role


def test_what_is_read_by_name_is_no_content_for_its_common_name(tmp_path):
    """A dialect that counts tokens in `output`, and a user whose tag is `question`, get what they ask for."""
    (tmp_path / "mine.yaml").write_text("dialect: mine\nfields: {output_tokens: [output]}\n")
    rules = load_conventions(tmp_path, tags=["question"]).content

    assert (rules.role("output"), rules.role("question"), rules.role("prompt")) == ("", "", "input")
