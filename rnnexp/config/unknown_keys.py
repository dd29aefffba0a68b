"""What to say about a key that the schema does not know at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from rnnexp.config.config import KeyPath
from rnnexp.config.document import Document
from rnnexp.config.schema import Experiment
from rnnexp.config.value_hints import Kind, discriminator, kinds_of_field, sections
from rnnexp.errors import nearest, snake_case

__all__ = ["FOREIGN_KEYS", "FOREIGN_VALUES", "Spot", "advise", "dotted", "homes", "locate"]


# The way through the schema: pydantic's locations -> keys, and a name -> where it belongs.


@dataclass(frozen=True)
class Spot:
    """A place in the schema.

    path: keys and list indices, as in the config. found: what may stand there (empty where the
    schema knows no such key). section: the section around it; siblings: all alternatives of that
    section, where it is one of several.
    """

    path: KeyPath
    found: tuple[Kind, ...]
    section: type[BaseModel]
    siblings: tuple[Kind, ...] = ()


def locate(location: tuple[str | int, ...]) -> Spot:
    """The spot of a pydantic error; pydantic's labels for the branches of a union are dropped."""
    spot = Spot((), (Kind("a section", section=Experiment),), Experiment)
    alternatives = spot.found
    for part in location:
        if len(_plain(alternatives)) > 1:
            alternatives = _branch(alternatives, part)
        else:
            spot = _below(spot, alternatives, part)
            alternatives = spot.found
    return spot


def _plain(alternatives: tuple[Kind, ...]) -> list[Kind]:
    return [kind for kind in alternatives if kind.name != "null"]


def _branch(alternatives: tuple[Kind, ...], label: str | int) -> tuple[Kind, ...]:
    named = {kind.section.__name__.lower(): kind.section for kind in alternatives if kind.section}
    tagged = sections(alternatives).get(str(label)) or named.get(str(label))
    wanted = "a list" if str(label).startswith("tuple[") else "a section"
    if tagged is None:
        return tuple(kind for kind in alternatives if kind.name == wanted)[:1]
    return tuple(kind for kind in alternatives if kind.section is tagged)


def _below(spot: Spot, alternatives: tuple[Kind, ...], part: str | int) -> Spot:
    path = (*spot.path, part)
    kind = _plain(alternatives)[0] if _plain(alternatives) else None
    if kind is not None and kind.section is not None:
        info = kind.section.model_fields.get(str(part))
        return Spot(path, kinds_of_field(info) if info else (), kind.section, spot.found)
    return Spot(path, kind.items if kind else (), spot.section)


def dotted(path: KeyPath) -> str:
    """`("model", "hidden_sizes", 1)` -> `model.hidden_sizes[1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Every key of the schema -> the dotted paths at which it may stand."""
    found: dict[str, dict[str, None]] = {}
    for path in _paths(Experiment, ""):
        found.setdefault(path.rpartition(".")[2], {})[path] = None
    return {name: tuple(paths) for name, paths in found.items()}


def _paths(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in section.model_fields.items():
        yield prefix + name
        for kind in kinds_of_field(info):
            if kind.section is not None:
                yield from _paths(kind.section, f"{prefix}{name}.")


def tags_with(siblings: tuple[Kind, ...], name: str) -> list[str]:
    """The tags of a union's sections that know the key `name`."""
    return [tag for tag, section in sections(siblings).items() if name in section.model_fields]


# What other tools call our settings: Keras, Lightning, Ludwig, torch, Hugging Face, JoeyNMT.

_NAMES: Mapping[str, str] = {
    "name": "experiment experiment_name run_name title project_name",
    "seed": "random_seed random_state rng_seed manual_seed seed_everything",
    "base": "defaults include includes extends inherits inherit parent _base_ import",
    "data": "dataset datasets datamodule input_features",
    "data.source": "data_source dataset_name dataset_type loader",
    "data.path": "file filename file_path data_path data_file csv_path data_dir train_file "
    "train_path",
    "data.val_path": "val_file validation_file valid_path dev_path validation_path",
    "data.test_path": "test_file",
    "data.labels": "labels_path label_path label_file labels_file",
    "data.words": "class_names label_names",
    "data.captions": "captions_path captions_file caption_file captions_csv",
    "data.image": "image_column filename_column",
    "data.caption": "caption_column",
    "data.color": "color_mode colour grayscale image_mode",
    "data.size": "image_size img_size target_size resize",
    "data.lengths": "sequence_lengths seq_lens seq_lengths",
    "data.value": "column columns value_column target_column features feature_columns values",
    "data.window": "sequence_length seq_len seq_length lookback look_back timesteps time_steps "
    "n_steps window_size input_window context_length block_size max_sequence_length",
    "data.horizon": "forecast_horizon prediction_length lead steps_ahead",
    "data.split": "splits split_ratio train_split validation_split test_size train_size",
    "data.scale": "scaler scaling normalize normalise normalization standardize preprocessing",
    "data.season": "period seasonality seasonal_period",
    "data.lowercase": "lower to_lower",
    "data.max_vocabulary": "vocab_size max_vocab max_tokens num_words most_common",
    "data.pieces": "num_merges bpe_size bpe_vocab_size sentencepiece_vocab_size num_pieces",
    "data.classes": "num_classes n_classes",
    "data.unit": "tokenizer level token_type tokenization",
    "task": "problem output_features",
    "task.kind": "task_type problem_type",
    "task.target": "objective",
    "task.loss": "criterion loss_fn loss_function",
    "task.class_weights": "class_weight",
    "model": "network net encoder architecture",
    "model.cell": "cell_type rnn_type rnn_cell layer_type model_type unit_type",
    "model.activation": "nonlinearity non_linearity activation_function act",
    "model.hidden_sizes": "hidden_size hidden_dim hidden_dims hidden_units units num_units "
    "num_layers n_layers layers num_hidden hidden state_size rnn_size n_hidden d_model fc_layers",
    "model.bidirectional": "bidir bi_directional birnn",
    "model.merge": "merge_mode",
    "model.return_sequences": "return_sequence",
    "model.dropout": "drop dropout_rate dropout_p dropout_prob rnn_dropout",
    "model.recurrent_dropout": "variational_dropout weight_dropout",
    "model.input_dropout": "embedding_dropout emb_dropout embed_dropout embd_dropout dropouti "
    "spatial_dropout",
    "model.output_dropout": "head_dropout fc_dropout classifier_dropout dropouto",
    "model.word_dropout": "token_dropout unk_dropout dropoute",
    "model.pooling": "pool pooling_mode pool_mode reduce_output global_pooling",
    "model.characters": "char_embedding char_embeddings character_embedding char_features "
    "char_rnn use_chars",
    "model.pretrained": "pretrained_embedding pretrained_embeddings pretrained_vectors "
    "pretrained_path word_vectors embedding_file embedding_path glove word2vec fasttext",
    "model.pretrained.frozen": "freeze freeze_embedding freeze_embeddings",
    "model.layer_norm": "layernorm use_layer_norm norm_layer",
    "model.init": "initializer initializers initialization weight_init",
    "model.init.input": "kernel_initializer weights_initializer",
    "model.init.recurrent": "recurrent_initializer recurrent_init",
    "model.forget_bias": "unit_forget_bias forget_gate_bias",
    "model.initial_state": "h0 init_state initial_hidden learn_initial_state",
    "model.embedding": "embedding_size embedding_dim embed_dim embedding_dimension n_embd emsize",
    "model.tied_embedding": "tie_weights tied tied_embeddings tie_embeddings tie_word_embeddings "
    "tied_softmax weight_tying",
    "model.image_encoder": "cnn cnn_encoder conv_encoder backbone vision_encoder image_model",
    "model.image_encoder.channels": "filters num_filters conv_channels",
    "model.input_size": "input_dim input_shape n_features num_features",
    "model.decoder.attention": "attention_type attention_mechanism attn attn_type global_attention",
    "model.decoder.input_feeding": "input_feed",
    "model.decoder.bridge": "init_hidden bridge_type",
    "task.beam": "beam_size beam_width num_beams beams",
    "task.length_penalty": "lenpen beam_alpha",
    "training.teacher_forcing": "scheduled_sampling teacher_forcing_ratio sampling_probability",
    "training": "trainer train optimization fit",
    "training.epochs": "max_epochs num_epochs n_epochs num_train_epochs epoch",
    "training.max_steps": "max_iters max_iterations num_steps total_steps train_steps "
    "max_train_steps",
    "training.max_minutes": "max_time time_limit timeout",
    "training.batch_size": "batch bs train_batch_size per_device_train_batch_size minibatch_size",
    "training.accumulate": "accumulate_grad_batches gradient_accumulation_steps grad_accum "
    "gradient_accumulation",
    "training.optimizer": "optim optimiser",
    "training.optimizer.lr": "learning_rate base_lr lr_init initial_lr base_learning_rate",
    "training.optimizer.weight_decay": "wd l2 l2_penalty decay",
    "training.optimizer.betas": "beta beta1 beta2 beta_1 beta_2 adam_beta1 adam_beta2",
    "training.optimizer.eps": "epsilon adam_epsilon",
    "training.optimizer.alpha": "rho",
    "training.schedule": "scheduler lr_scheduler lr_schedule learning_rate_scheduler "
    "learning_rate_schedule",
    "training.schedule.warmup_steps": "warmup num_warmup_steps learning_rate_warmup warmup_iters",
    "training.schedule.every": "step_size",
    "training.schedule.factor": "gamma decay_rate lr_decay decrease_factor reduce_factor",
    "training.clip": "gradient_clipping grad_clip gradient_clip clipping",
    "training.clip.norm": "clip_norm clipnorm max_norm max_grad_norm gradient_clip_val "
    "clip_grad_norm gradient_clip_norm global_clipnorm clipglobalnorm grad_norm",
    "training.clip.value": "clip_value clipvalue clip_grad_value gradient_clip_value",
    "training.bptt": "tbptt truncated_bptt",
    "training.bptt.k1": "tbptt_steps truncated_bptt_steps bptt_steps bptt_length tbptt_length "
    "tbptt_k1",
    "training.bptt.k2": "tbptt_k2",
    "training.bptt.carry_state": "stateful keep_state",
    "training.bptt.checkpoint_every": "gradient_checkpointing activation_checkpointing "
    "checkpoint_activations remat rematerialize recompute",
    "training.label_smoothing": "label_smoothing_factor smoothing label_smooth",
    "training.monitor": "metric validation_metric early_stopping_metric metric_for_best_model",
    "training.mode": "minimize_metric greater_is_better",
    "training.early_stopping": "early_stop earlystopping",
    "training.early_stopping.patience": "early_stop_patience early_stopping_patience",
    "training.device": "accelerator gpu gpus use_cuda cuda use_gpu devices",
    "training.precision": "amp fp16 bf16 dtype mixed_precision",
    "training.threads": "num_threads n_jobs num_workers",
    "training.log_every": "log_every_n_steps logging_steps log_interval logging_freq",
    "training.checkpoint_steps": "save_steps every_n_train_steps checkpoint_every save_every",
}

FOREIGN_KEYS: Mapping[str, str] = {
    foreign: ours for ours, names in _NAMES.items() for foreign in names.split()
}
"""another tool's name -> the dotted path of ours"""

FOREIGN_VALUES: Mapping[str, Mapping[str, str]] = {
    "model.cell": {
        **dict.fromkeys(
            ("simplernn", "simple_rnn", "vanilla", "elman", "rnn_tanh", "rnn_relu"), "rnn"
        ),
        **dict.fromkeys(("bilstm", "lstmcell"), "lstm"),
        **dict.fromkeys(("bigru", "grucell"), "gru"),
    },
    "task.loss": {
        **dict.fromkeys(("l2", "mean_squared_error", "mseloss"), "mse"),
        **dict.fromkeys(("l1", "mean_absolute_error", "l1loss"), "mae"),
        **dict.fromkeys(("smooth_l1", "huberloss"), "huber"),
    },
    "task.kind": {
        **dict.fromkeys(
            ("seq2seq", "sequence_labeling", "language_modeling", "tagging"), "many_to_many"
        ),
        **dict.fromkeys(("sequence_classification", "regression", "classification"), "many_to_one"),
        **dict.fromkeys(("captioning", "generation"), "one_to_many"),
    },
    "task.target": {
        **dict.fromkeys(("number", "numeric", "numerical", "continuous"), "regression"),
        **dict.fromkeys(("class", "category", "categorical", "binary", "tokens"), "classification"),
    },
    "data.color": {"grayscale": "gray", "grey": "gray", "l": "gray", "color": "rgb"},
    "model.pooling": {
        **dict.fromkeys(("average", "avg", "mean_pool", "global_average"), "mean"),
        **dict.fromkeys(("maximum", "max_pool", "global_max"), "max"),
        **dict.fromkeys(("final", "last_state", "none"), "last"),
    },
    "training.device": {"gpu": "cuda", "cuda:0": "cuda"},
    "training.precision": {
        **dict.fromkeys(("bf16", "16", "mixed", "amp", "fp16", "float16", "half"), "bfloat16"),
        **dict.fromkeys(("fp32", "32", "full"), "float32"),
    },
    "model.init.input": {
        "xavier": "glorot",
        "xavier_uniform": "glorot",
        "glorot_uniform": "glorot",
    },
    "model.init.recurrent": {"xavier": "glorot", "eye": "identity", "irnn": "identity"},
    "data.scale": {"zscore": "standard", "z-score": "standard", "min_max": "minmax"},
    "data.unit": {
        **dict.fromkeys(("subword", "byte_pair", "byte-pair", "sentencepiece", "wordpiece"), "bpe"),
        "char": "character",
        "token": "word",
        "int": "id",
        "float": "number",
    },
}
"""dotted path -> another tool's value, in lower case -> ours"""

_REASONS: Mapping[str, str] = {
    "every layer has its biases": "bias use_bias",
    "the order of the axes is no setting": "batch_first time_major",
    "training examples are shuffled in each epoch; streams stay in order": "shuffle",
    "write a comment instead: # ...": (
        "description comment comments note notes author version tags"
    ),
    "`--runs DIR` says where runs are kept": (
        "save_dir output_dir out_dir log_dir logdir run_dir default_root_dir "
        "checkpoint_dir ckpt_dir"
    ),
    "every metric of the task is reported; `training.monitor` chooses by one": "metrics",
    "checkpoints, logging and early stopping are built in": "callbacks logger loggers plugins",
    "every run keeps its last two checkpoints and the best": (
        "save_every save_steps checkpoint_every enable_checkpointing"
    ),
    "validation follows every epoch": "val_every eval_every eval_steps check_val_every_n_epoch",
    "it follows from the data and the task": (
        "output_activation head output_size output_dim num_outputs"
    ),
}

WITHOUT_EQUIVALENT: Mapping[str, str] = {
    name: reason for reason, names in _REASONS.items() for name in names.split()
}
"""another tool's name for what is no setting here -> why it is none"""


# What to say about a key that the schema does not know at its place.

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
