"""`training:` how long, how fast, and what is done about the gradient."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from rnnexp.config.section import Fraction, Positive, Section

__all__ = [
    "Adam",
    "AdamW",
    "Backpropagation",
    "Checkpointed",
    "Clip",
    "Constant",
    "Cosine",
    "Optimizer",
    "Plateau",
    "RmsProp",
    "Schedule",
    "Sgd",
    "StepDecay",
    "TeacherForcing",
    "Training",
    "Truncated",
]

LearningRate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Updates = Annotated[int, Field(ge=1, le=1_000_000_000)]


class OptimizerBase(Section):
    lr: LearningRate
    """learning rate"""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """L2 penalty (decoupled from the gradient with adamw)"""


class Sgd(OptimizerBase):
    name: Literal["sgd"]
    """`sgd`: stochastic gradient descent"""
    lr: LearningRate = 0.1
    """learning rate"""
    momentum: Decay = 0.0
    """momentum"""
    nesterov: bool = False
    """Nesterov's momentum (needs momentum > 0)"""


class RmsProp(OptimizerBase):
    name: Literal["rmsprop"]
    """`rmsprop`: RMSprop"""
    lr: LearningRate = 1e-3
    """learning rate"""
    alpha: Decay = 0.99
    """decay of the running mean of squared gradients"""
    momentum: Decay = 0.0
    """momentum"""
    eps: Positive = 1e-8
    """added to the denominator"""


class Adam(OptimizerBase):
    name: Literal["adam"] = "adam"
    """`adam`: Adam, also where no name is given"""
    lr: LearningRate = 1e-3
    """learning rate"""
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    """decay of the running means of gradient and squared gradient"""
    eps: Positive = 1e-8
    """added to the denominator"""


class AdamW(Adam):
    name: Literal["adamw"]  # type: ignore[assignment]
    """`adamw`: Adam with decoupled weight decay"""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    """decoupled weight decay"""


Optimizer = Annotated[Sgd | RmsProp | Adam | AdamW, Field(discriminator="name")]


class ScheduleBase(Section):
    warmup_steps: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """updates over which the learning rate rises linearly from 0 first"""


class Constant(ScheduleBase):
    name: Literal["constant"] = "constant"
    """`constant`: the learning rate stays, also where no name is given"""


class StepDecay(ScheduleBase):
    name: Literal["step"]
    """`step`: multiplied by `factor` every `every` epochs"""
    every: Annotated[int, Field(ge=1, le=1_000_000)]
    """epochs between two decays"""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """what the learning rate is multiplied by"""


class Cosine(ScheduleBase):
    name: Literal["cosine"]
    """`cosine`: half a cosine from lr to `floor` * lr over the whole training"""
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """share of the learning rate that is left at the end"""


class Plateau(ScheduleBase):
    name: Literal["plateau"]
    """`plateau`: multiplied by `factor` when `monitor` stops improving"""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """what the learning rate is multiplied by"""
    patience: Annotated[int, Field(ge=0, le=1_000_000)] = 3
    """epochs without improvement that are let pass; the next one lowers the learning rate"""


Schedule = Annotated[Constant | StepDecay | Cosine | Plateau, Field(discriminator="name")]


class Clip(Section):
    """Gradient clipping: exactly one of the three."""

    norm: Positive | None = None
    """scale the gradient down to this norm when it is longer"""
    value: Positive | None = None
    """cut every component to [-value, value]"""
    auto: Annotated[float, Field(gt=0, le=1000)] | None = None
    """threshold = this factor times the running mean of the gradient norm (Pascanu et al. 2013)"""


class Truncated(Section):
    """Truncated backpropagation through time."""

    k1: Annotated[int, Field(ge=1, le=1_000_000)]
    """time steps between two updates"""
    k2: Annotated[int, Field(ge=1, le=1_000_000)]
    """time steps that the gradient goes back, at least k1"""
    carry_state: bool = False
    """carry the state from each window to the next one of the same stream"""


class Checkpointed(Section):
    """Full backpropagation through time that keeps little and computes the rest again; it takes the
    least memory with a `checkpoint_every` of about the square root of the time steps.
    """

    full: Literal[True] = True
    """the gradient goes back to the beginning, as with `bptt: full`"""
    checkpoint_every: Annotated[int, Field(ge=1, le=1_000_000)]
    """time steps between two states that are kept; what lies between is computed again"""


Backpropagation = Literal["full"] | Truncated | Checkpointed
"""what `training.bptt` can be"""


class TeacherForcing(Section):
    """Where the output is read again: the true previous answer instead (Bengio et al. 2015)."""

    start: Fraction = 1.0
    """share of the time steps that read the true previous answer, one coin per step and sequence"""
    end: Fraction | None = None
    """share at the end of `epochs`; the same as `start` where it is left out"""
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """epochs over which the share moves from `start` to `end`, linearly"""


class EarlyStopping(Section):
    """Stop when `monitor` has not improved for a while."""

    patience: Annotated[int, Field(ge=1, le=1_000_000)]
    """epochs without improvement before training stops"""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """how much better counts as an improvement here (the best checkpoint needs no minimum)"""


def _bptt_tag(value: Any) -> str:
    """By its keys; those of a truncation prevail."""
    if isinstance(value, str | Checkpointed):
        return "full" if isinstance(value, str) else "checkpointed"
    keys = set(value) if isinstance(value, dict) else set()
    truncated = keys & Truncated.model_fields.keys() or not keys & Checkpointed.model_fields.keys()
    return "truncated" if truncated else "checkpointed"


_UNNAMED = {"optimizer": "adam", "schedule": "constant"}


class Training(Section):
    """The training loop."""

    @model_validator(mode="before")
    @classmethod
    def _name_the_unnamed(cls, written: Any) -> Any:
        if not isinstance(written, dict):
            return written
        return {
            key: {"name": _UNNAMED[key], **value}
            if key in _UNNAMED and isinstance(value, dict)
            else value
            for key, value in written.items()
        }

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """passes over the training part"""
    max_steps: Updates | None = None
    """stop after so many updates"""
    max_minutes: Positive | None = None
    """stop after so many minutes (the step at which it struck is recorded)"""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 32
    """B, sequences per batch; with carry_state the number of parallel streams"""
    accumulate: Annotated[int, Field(ge=1, le=100_000)] = 1
    """batches whose gradients are added up before one update"""
    optimizer: Optimizer = Adam(name="adam")
    """what turns gradients into updates"""
    schedule: Schedule = Constant(name="constant")
    """how the learning rate changes"""
    clip: Clip | None = None
    """gradient clipping, or null for none"""
    bptt: Annotated[
        Annotated[Literal["full"], Tag("full")]
        | Annotated[Truncated, Tag("truncated")]
        | Annotated[Checkpointed, Tag("checkpointed")],
        Discriminator(_bptt_tag),
    ] = "full"
    """backpropagation through the whole sequence, at once or in segments, or truncated"""
    teacher_forcing: TeacherForcing | None = None
    """for recurrences that feed the output back, where null reads the network's own output always;
    and for the decoder of a delayed many_to_many, where null reads the true answer always"""
    label_smoothing: Decay = 0.0
    """share of the target that is spread over all classes, in the loss that is trained only"""
    monitor: str = "val/loss"
    """validation metric that chooses the best checkpoint, stops early and moves `plateau`"""
    mode: Literal["min", "max"] | None = None
    """whether `monitor` is to fall or to rise (known for rnnexp's own metrics)"""
    early_stopping: EarlyStopping | None = None
    """stop when the monitored metric no longer improves"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """where to compute; auto takes a GPU where there is one"""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: matrix products under autocast, weights stay float32"""
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = "auto"
    """CPU threads; auto follows from shapes and cores, never from a timing"""
    log_every: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """updates per line of metrics.jsonl"""
    checkpoint_steps: Updates | None = None
    """updates between two checkpoints within an epoch; one is left after every epoch and, in a long
    one, every five minutes anyway"""
