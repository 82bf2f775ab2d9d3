"""The constraints of one target: what its wire refuses, and what its model's generation refuses besides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace


class Alphabet(Struct, frozen=True):
    """The characters of a name, as a regular expression's class has them; `first` where the first one is special."""

    characters: str
    length_max: int | None = None
    first: str | None = None

    def takes(self, name: str) -> bool:
        """True if a name may be sent unchanged."""
        return _pattern(self).fullmatch(name) is not None

    @property
    def pattern(self) -> str:
        """The regular expression that a whole name matches."""
        rest = "+" if self.length_max is None else f"{{1,{self.length_max}}}"
        first = "" if self.first is None else f"(?=[{self.first}])"
        return f"{first}[{self.characters}]{rest}"


@cache
def _pattern(alphabet: Alphabet) -> re.Pattern[str]:
    return re.compile(alphabet.pattern)


# What a text has to hold: nothing in particular, any character, or one that is not blank.
Texts = Literal["any", "not empty", "not blank"]


class Constraints(Struct, frozen=True):
    """The constraints of a target; the defaults are those of a target that accepts everything.

    `dialect` is whose wire it is, `protocol` apart: DeepSeek speaks OpenAI's chat wire and takes less of it.

    `output_tokens_min` is the least bound of an answer; the most is the model's own, in the catalog, and with
    `bound_in_context` what the prompt leaves of the context. `tool_name`,
    `argument_name` (the members at the top of a tool's schema) and `call_id` say what names are made of.
    `tool_names_repeat` says that two tools may have one name, `call_ids_repeat` that calls of two turns may have one
    id.
    `instructions_between` says that instructions may stand between turns; elsewhere they are told ahead of all.
    `opens_with_user` and `closes_with_user` say who has to speak first and last; `closes_with_blank` whether an answer
    that the model is to go on with may end in blanks. `document_alone` says that a document needs no text beside it.
    `thinks_from_answer` says that a model that is to think may go on with an answer that opens without a thought.

    `takes_thoughts` says that the reasoning of earlier answers may be told, `names_speakers` that a message may have
    a name. `call_id_digits` are the letters and digits that an id has, no more and no less. `tool_choices_refused` are
    the ways in which tools cannot be chosen.

    `cache_marks_max` bounds the cache markers of a prompt; `cache_lifetimes_rise` says that one for longer may stand
    behind one for shorter.

    `tools_max` bounds the tools, `tool_description_max` the characters of what one of them says of itself;
    `arrays_without_items` says that a schema's arrays need not say of what.

    `tool_root_refused` are the keywords that may not stand at the root of a tool's schema, `tool_root_only` the only
    ones that may; `tool_root_without_properties` says that these may be missing.

    `schema_keywords` are those that hold in the schema of an answer or of a strict tool, whose objects are closed, and
    `schema_formats` the formats of its texts; without any, all do.

    `answer_formats` are the manners in which JSON can be asked for; `answer_root_any` says that a schema may be of
    other things than objects, `answer_format_with_tools` that tools may be offered beside, `json_unsaid` that the
    prompt need not say "JSON". `lacks` names parameters that the target does not know.
    """

    dialect: str = ""
    output_tokens_min: int = 1
    bound_in_context: bool = False
    tool_name: Alphabet | None = None
    tool_names_repeat: bool = True
    argument_name: Alphabet | None = None
    call_id: Alphabet | None = None
    call_ids_repeat: bool = True
    texts: Texts = "any"
    instructions_between: bool = True
    opens_with_user: bool = False
    closes_with_user: bool = False
    closes_with_blank: bool = True
    document_alone: bool = True
    tools_max: int | None = None
    tool_description_max: int | None = None
    arrays_without_items: bool = True
    tool_root_refused: tuple[str, ...] = ()
    tool_root_only: tuple[str, ...] = ()
    tool_root_without_properties: bool = True
    takes_thoughts: bool = True
    names_speakers: bool = True
    call_id_digits: int | None = None
    tool_choices_refused: tuple[str, ...] = ()
    cache_marks_max: int | None = None
    cache_lifetimes_rise: bool = True
    thinks_from_answer: bool = True
    strict_schemas_closed: bool = False
    schema_keywords: tuple[str, ...] = ()
    schema_formats: tuple[str, ...] = ()
    answer_formats: tuple[str, ...] = ("json", "schema")
    answer_root_any: bool = True
    answer_format_with_tools: bool = True
    json_unsaid: bool = True
    stops_max: int | None = None
    stops_blank: bool = True
    temperature_max: float = 2.0
    seed_bits: int = 64
    user_characters_max: int | None = None
    image_types: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class Rule(Struct, frozen=True):
    """One thing that a target does not take. `generations` are the profiles it is told of; without any, all."""

    dialect: str
    member: str
    value: Any
    source: str
    generations: tuple[str, ...] = ()

    def holds_for(self, dialect: str, generation: str) -> bool:
        """True if the rule applies to the target."""
        return self.dialect == dialect and (not self.generations or generation in self.generations)


# Providers of OpenAI's chat wire that take less of it than most do.
BASES = dict.fromkeys(
    ("groq", "mistral", "cerebras", "perplexity", "qwen", "moonshot", "zhipu", "minimax", "xai"), "compatible"
)


def added_up(rules: Iterable[Rule], dialect: str, generation: str) -> Constraints:
    """The constraints of one target: of two rules of one member, the one of its generation counts.

    A dialect that has another one as its base takes that one's rules where it has none of its own.
    """
    base = BASES.get(dialect, dialect)
    held = [rule for rule in rules if rule.holds_for(dialect, generation) or rule.holds_for(base, generation)]
    held.sort(key=lambda rule: (rule.dialect == dialect, bool(rule.generations)))
    return replace(Constraints(dialect), **{rule.member: rule.value for rule in held})
