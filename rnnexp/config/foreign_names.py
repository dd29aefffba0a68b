"""What other tools call our settings: Keras, Lightning, Ludwig, torch, Hugging Face, JoeyNMT."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FOREIGN_KEYS", "FOREIGN_VALUES", "WITHOUT_EQUIVALENT"]

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
