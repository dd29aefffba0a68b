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
LONG = 5_000_000
"""more time steps an epoch than this take minutes on a CPU"""

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
        return self.examples * self.steps * self.epochs > 20 * LONG


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


def classifier(start: Start, tokens: bool) -> tuple[Keys, Keys]:
    """For a sequence with one class as its answer."""
    hidden = 32 if start.examples < 500 else 64 if start.examples < 20_000 else 128
    model = [
        Key("cell", "lstm"),
        offer("cell", "gru"),
        Key("hidden_sizes", [hidden], f"for {start.examples:,} examples to train on"),
        offer("hidden_sizes", [hidden, hidden], "two layers; then dropout: 0.2 acts between them"),
        Key("bidirectional", True, "the whole sequence is there, so it is read both ways"),
    ]
    if tokens:
        model.append(Key("embedding", hidden, "numbers that stand for each unit of the text"))
    model.append(offer("recurrent_dropout", 0.2, "where training gets far better than validation"))
    return tuple(model), _training(start, 2e-3, "val/accuracy")


def regressor(start: Start, tokens: bool) -> tuple[Keys, Keys]:
    """For a sequence with numbers as its answer, one or one a step."""
    model, training = classifier(start, tokens)
    return model, tuple(key for key in training if key.name != "monitor")


def tagger(start: Start) -> tuple[Keys, Keys]:
    """For tokens with an answer at every step."""
    model, training = classifier(start, tokens=True)
    return model, training


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
        Key("embedding", hidden),
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
