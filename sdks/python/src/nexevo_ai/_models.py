"""Base of all answers: fields by attribute and by key, unknown ones kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, PlainSerializer, PrivateAttr, ValidationError
from pydantic_core import core_schema

# An exact amount of USD; in JSON its digits are written out, as the gateway does.
Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str, when_used="json")]


class Object(dict[str, Any]):
    """A JSON object without a fixed shape, whose members are attributes too."""

    # pydantic takes what has a `__dict__` for a model, and fails to write it where a model should stand.
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> Any:
        return wrapped(super().__getitem__(name))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        return core_schema.no_info_after_validator_function(cls, core_schema.dict_schema())


def wrapped(value: Any) -> Any:
    """The value, whose objects have attributes."""
    if isinstance(value, dict) and not isinstance(value, Object):
        return Object(value)
    if isinstance(value, list):
        return [wrapped(each) for each in value]
    return value


class NexevoModel(BaseModel):
    """An answer or a part of one: `answer.id` and `answer["id"]` are the same."""

    _request_id: Optional[str] = PrivateAttr(default=None)

    model_config = ConfigDict(extra="allow", protected_namespaces=(), arbitrary_types_allowed=True)

    def __getattr__(self, name: str) -> Any:
        # Called for what is no field alone.
        extra = self.__dict__.get("__pydantic_extra__") or object.__getattribute__(self, "__pydantic_extra__") or {}
        if name in extra:
            return wrapped(extra[name])
        return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides it from type checkers

    def __getitem__(self, name: str) -> Any:
        if name in type(self).model_fields:
            return getattr(self, name)
        extra = self.__pydantic_extra__ or {}
        return wrapped(extra[name])

    def __contains__(self, name: object) -> bool:
        return name in self.model_fields_set or name in (self.__pydantic_extra__ or {})

    def get(self, name: str, default: Any = None) -> Any:
        """The member, or the default where the answer has none of that name."""
        return self[name] if name in self else default  # noqa: SIM401  # it is `get` that does it

    def to_dict(self) -> dict[str, Any]:
        """The members that the answer has, ready for `json.dumps`."""
        return self.model_dump(mode="json", exclude_unset=True, warnings=False)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The answer as JSON."""
        return self.model_dump_json(indent=indent, exclude_unset=True, warnings=False)

    def __repr_args__(self) -> Any:
        yield from super().__repr_args__()
        # Members that open something: a printed answer does not show them, to read them does.
        for name, field in type(self).model_fields.items():
            if not field.repr and self.__dict__.get(name) is not None:
                yield name, "…"


class ResponseText(NexevoModel):
    """A response, whose text is read at once."""

    @property
    def output_text(self) -> str:
        """All text of the output's messages."""
        parts = [part for item in self["output"] or () if item.get("type") == "message" for part in item["content"]]
        return "".join(part["text"] for part in parts if part.get("type") == "output_text")


def parsed(kind: Any, data: Any) -> Any:
    """The data as the model; what does not fit, since the server is newer than this SDK, is kept as it is."""
    if not issubclass(kind, BaseModel):
        return kind(data)
    try:
        return kind.model_validate(data)
    except ValidationError:
        if not isinstance(data, dict):
            raise
        given = {name: wrapped(value) for name, value in data.items()}
        return kind.model_construct(_fields_set=set(given), **{**dict.fromkeys(kind.model_fields), **given})
