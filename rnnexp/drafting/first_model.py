"""A sensible first network and training for so much data; nothing here looks at the data itself."""

from __future__ import annotations

from dataclasses import dataclass

from rnnexp.drafting.draft import Key, offer

__all__ = [
    "Start",
    "classifier",
    "forecaster",
    "language_model",
    "regressor",
    "tagger",
    "translator",
    "writer",
]

UPDATES = 6000
"""about so many updates are planned; early stopping usually ends sooner"""
LONG = 100_000_000
"""more time steps in all than this take many minutes on a CPU"""
FEW = 2000
"""of fewer examples the validation part is too small for its accuracy to choose a checkpoint"""

Keys = tuple[Key, ...]


@dataclass(frozen=True)
class Start:
    """How much there is to train on: examples, and the time steps of a typical one."""

    examples: int
    steps: int

    @property
    def batch_size(self) -> int:
        return 16 if self.examples < 1000 else 32 if self.examples < 20_000 else 64

    @property
    def epochs(self) -> int:
        wanted = UPDATES * self.batch_size // max(self.examples, 1)
        return max(10, min(100, wanted))

    @property
    def patience(self) -> int:
        return max(2, self.epochs // 5)

    @property
    def is_long(self) -> bool:
        return self.examples * self.steps * self.epochs > LONG


def _training(start: Start, lr: float, monitor: str | None = None) -> Keys:
    keys = [
        Key("epochs", start.epochs, "at most; early stopping usually ends sooner"),
        Key("batch_size", start.batch_size, f"for {start.examples:,} examples to train on"),
        Key("optimizer", {"name": "adam", "lr": lr}),
        Key("clip", {"norm": 1.0}, "a long product of Jacobians may explode"),
    ]
    if monitor:
        keys.append(Key("monitor", monitor, "what chooses the best checkpoint and stops early"))
    keys.append(Key("early_stopping", {"patience": start.patience}, "epochs without progress"))
    if start.is_long:
        keys.append(Key("max_minutes", 20, "this is a lot of data for a CPU; leave it out later"))
    return tuple(keys)


def forecaster(start: Start) -> tuple[Keys, Keys]:
    """For a time series."""
    hidden = 32 if start.examples < 2000 else 64
    model = (
        Key("cell", "gru", "fewer weights than an LSTM, often as good on short series"),
        offer("cell", "lstm"),
        offer("cell", "rnn", "the plain cell: rnnexp diagnose shows how far back it sees"),
        Key("hidden_sizes", [hidden], "one recurrent layer"),
        offer("hidden_sizes", [hidden, hidden], "two; then dropout: 0.1 acts between them"),
    )
    return model, _training(start, 2e-3)


def classifier(start: Start, tokens: bool, *, one: bool = True) -> tuple[Keys, Keys]:
    """For a sequence with classes as its answer: one, or (not `one`) one a step."""
    monitor = "val/accuracy" if start.examples >= FEW else None  # of few, it is too often the same
    return _reader(start, tokens, one), _training(start, 2e-3, monitor)


def regressor(start: Start, tokens: bool, *, one: bool = True) -> tuple[Keys, Keys]:
    """For a sequence with numbers as its answer: one, or (not `one`) one a step."""
    return _reader(start, tokens, one), _training(start, 2e-3)


def tagger(start: Start) -> tuple[Keys, Keys]:
    """For words with a class each."""
    model, training = classifier(start, tokens=True, one=False)
    characters = {"embedding": 32, "hidden_size": 32}
    spelled = Key("characters", characters, "a word that training lacks is told by its letters")
    return (*model, spelled), training


def _reader(start: Start, tokens: bool, one: bool) -> Keys:
    """A network that has the whole sequence before it."""
    hidden = 32 if start.examples < 500 else 64 if start.examples < 20_000 else 128
    keys = [
        Key("cell", "lstm"),
        offer("cell", "gru"),
        Key("hidden_sizes", [hidden], f"for {start.examples:,} examples to train on"),
        offer("hidden_sizes", [hidden, hidden], "two layers; then dropout: 0.2 acts between them"),
        Key("bidirectional", True, "the whole sequence is there, so it is read both ways"),
    ]
    if not tokens:
        return (*keys, offer("output_dropout", 0.2, "where training gets far better than val"))
    if one:
        keys.append(Key("pooling", "max", "the answer sees every step, not the last state alone"))
    return (
        *keys,
        Key("embedding", hidden, "numbers that stand for each unit of the text"),
        Key("input_dropout", 0.3, "texts are easily learnt by heart"),
        Key("output_dropout", 0.3),
        Key("word_dropout", 0.1, "the unknown unit must be met in training too"),
    )


def writer(start: Start, tokens: bool) -> tuple[Keys, Keys]:
    """For a sequence that is generated from a class or a few numbers."""
    hidden = 64 if start.examples < 5000 else 128
    model = [
        Key("cell", "lstm"),
        offer("cell", "gru"),
        Key("hidden_sizes", [hidden], f"for {start.examples:,} examples to train on"),
    ]
    if tokens:
        model.append(Key("embedding", 32, "numbers that stand for each unit"))
    return tuple(model), _training(start, 3e-3)


def translator(start: Start) -> tuple[Keys, Keys]:
    """For a sequence in and a sequence of another length out."""
    hidden = 64 if start.examples < 5000 else 128 if start.examples < 20_000 else 256
    model = (
        Key("cell", "gru"),
        offer("cell", "lstm"),
        Key("hidden_sizes", [hidden], f"for {start.examples:,} examples to train on"),
        Key("bidirectional", True, "of the encoder, which has the whole source before it"),
        Key("embedding", hidden, "of the tokens on both sides"),
        Key("decoder", {"dropout": 0.2}, "it looks back at the source by attention"),
    )
    return model, _training(start, 2e-3)


def language_model(characters: int, window: int, batch_size: int) -> tuple[Keys, Keys]:
    """For one long text whose every next unit is predicted."""
    hidden = 128 if characters < 300_000 else 256 if characters < 3_000_000 else 384
    windows = characters // window
    epochs = max(2, min(30, UPDATES * batch_size // max(windows, 1)))
    model = (
        Key("cell", "lstm"),
        offer("cell", "gru"),
        Key("hidden_sizes", [hidden], f"for {characters:,} characters"),
        Key("embedding", 64, "numbers that stand for each character"),
        offer("output_dropout", 0.2, "where val/loss rises while train/loss falls"),
    )
    training = (
        Key("epochs", epochs),
        Key("max_minutes", 10, "whichever comes first; more minutes, better text"),
        Key("batch_size", batch_size, "streams that are read side by side"),
        Key(
            "bptt",
            {"k1": window, "k2": window, "carry_state": True},
            "the state goes on from window to window, the gradient does not",
        ),
        Key("optimizer", {"name": "adamw", "lr": 4e-3}),
        Key("schedule", {"name": "cosine"}, "the learning rate falls to 0"),
        Key("clip", {"norm": 1.0}, "a long product of Jacobians may explode"),
    )
    return model, training
