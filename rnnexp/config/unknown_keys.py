"""What to say about a key that the schema does not know at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnnexp.config.document import Document
from rnnexp.config.foreign_names import FOREIGN_KEYS, WITHOUT_EQUIVALENT
from rnnexp.config.kinds import discriminator, sections
from rnnexp.config.nearest import nearest, snake_case
from rnnexp.config.schema_paths import Spot, dotted, homes, tags_with

__all__ = ["Advice", "advise"]

_CODE_KEYS = {
    "_target_",
    "_partial_",
    "class_path",
    "init_args",
    "module",
    "class_name",
    "callable",
}


@dataclass(frozen=True)
class Advice:
    """message: what is wrong; suggestion: the key that was probably meant; hint: what to do."""

    message: str = "unknown key"
    suggestion: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class _Case:
    name: str
    spot: Spot
    document: Document
    keys: list[str]

    @property
    def section(self) -> str:
        return dotted(self.spot.path[:-1])

    def suggest(self, target: str) -> str:
        """The bare key within this section, the dotted path elsewhere."""
        section, _, key = target.rpartition(".")
        return key if section == self.section else target


def advise(spot: Spot, keys: list[str], document: Document) -> Advice:
    """Advice on the unknown key at `spot`, in a section that knows `keys`."""
    case = _Case(str(spot.path[-1]), spot, document, keys)
    for rule in _RULES:
        if advice := rule(case):
            return advice
    return Advice()


def _code(case: _Case) -> Advice | None:
    if case.name in _CODE_KEYS:
        return Advice(hint="nothing in a config names Python code")
    if case.name == "<<":
        return Advice(hint="merge keys are not supported; `base: other.yaml` shares settings")
    return None


def _without_equivalent(case: _Case) -> Advice | None:
    hint = WITHOUT_EQUIVALENT.get(snake_case(case.name))
    return Advice(hint=hint) if hint else None


def _other_kind(case: _Case) -> Advice | None:
    tags = tags_with(case.spot.siblings, case.name)
    if not tags:
        return None
    key = discriminator(case.spot.siblings)
    chosen = _section_value(case, str(key))
    return Advice(f"unknown key for {key}: {chosen}; known for {', '.join(tags)}")


def _other_alternative(case: _Case) -> Advice | None:
    """`checkpoint_every` beside `k1`: of two sections that no key names, the other one's."""
    others = [kind.section for kind in case.spot.siblings if kind.section is not case.spot.section]
    if discriminator(case.spot.siblings) is not None:
        return None
    for section in others:
        if section is not None and case.name in section.model_fields:
            ours, theirs = ", ".join(case.keys), ", ".join(section.model_fields)
            return Advice(f"unknown key beside {ours}; known for a section with {theirs}")
    return None


def _section_value(case: _Case, key: str) -> Any:
    value: Any = case.document.tree
    for part in case.spot.path[:-1]:
        value = value[part]
    return value.get(key)


def _discriminator(case: _Case) -> Advice | None:
    """`type: adam` where the section says `name: adam`."""
    key = discriminator(case.spot.siblings)
    if key is None or case.name not in ("type", "name", "kind", "source", "class", "algorithm"):
        return None
    return Advice(suggestion=key)


def _spelling(case: _Case) -> Advice | None:
    plain = snake_case(case.name)
    return Advice(suggestion=plain) if plain in case.keys else None


def _foreign(case: _Case) -> Advice | None:
    target = FOREIGN_KEYS.get(snake_case(case.name))
    if target is None or target == dotted(case.spot.path):
        return None
    if target.startswith(f"{case.section}.") or not case.section:
        message = "unknown key"
    else:
        message = f"unknown key; it belongs to {_with_line(case, target)}"
    return Advice(message, case.suggest(target), _usage(case.name, target))


def _usage(name: str, target: str) -> str | None:
    if target == "model.hidden_sizes":
        return "hidden_sizes has one entry per recurrent layer, such as [64, 32] for two layers"
    if target == "training.bptt.k1":
        return "write bptt: {k1: 35, k2: 35}: an update every k1 steps, gradient k2 steps back"
    if target == "training.bptt.checkpoint_every":
        return "write bptt: {full: true, checkpoint_every: 32}, about the square root of T"
    if target.startswith("training.clip."):
        return f"write clip: {{{target.rpartition('.')[2]}: 1.0}} under training"
    return None


def _elsewhere(case: _Case) -> Advice | None:
    known = [path for path in homes().get(snake_case(case.name), ()) if path != case.section]
    if not known:
        return None
    places = " or ".join(_with_line(case, path) for path in known[:3])
    return Advice(f"unknown key; it belongs to {places}", case.suggest(known[0]))


def _with_line(case: _Case, target: str) -> str:
    """The dotted path, with the line of its section where the config has one."""
    section = tuple(target.split(".")[:-1])
    place = case.document.places.get(section) if section else None
    line = place.key.line if place else None
    return f"{target} (section on line {line})" if line else target


def _near(case: _Case) -> Advice | None:
    if best := nearest(case.name, case.keys):
        return Advice(suggestion=best)
    return None


def _near_for_other_kind(case: _Case) -> Advice | None:
    sibling_keys = {
        k for section in sections(case.spot.siblings).values() for k in section.model_fields
    }
    if best := nearest(case.name, sorted(sibling_keys)):
        return Advice(
            f"unknown key, like {best}, which is known for "
            f"{', '.join(tags_with(case.spot.siblings, best))}"
        )
    return None


def _near_elsewhere(case: _Case) -> Advice | None:
    best = nearest(case.name, [*homes(), *FOREIGN_KEYS], likeness=0.8)
    if best is None:
        return None
    return Advice(
        suggestion=case.suggest(homes()[best][0] if best in homes() else FOREIGN_KEYS[best])
    )


_RULES: tuple[Callable[[_Case], Advice | None], ...] = (
    _code,
    _other_alternative,
    _without_equivalent,
    _other_kind,
    _discriminator,
    _spelling,
    _foreign,
    _elsewhere,
    _near,
    _near_for_other_kind,
    _near_elsewhere,
)
