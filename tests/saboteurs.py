# ruff: noqa: E501
"""Patches that break a promise, each with the test that must turn red.

`tests/test_saboteurs.py` holds that each still fits; `make proof` applies them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SABOTEURS", "Saboteur"]


@dataclass(frozen=True)
class Saboteur:
    """What is promised, where it is kept, what breaks it and who notices."""

    promise: str
    file: str
    old: str
    new: str
    test: str


RESUMING = "tests/training/test_resuming.py::test_every_stop_leads_to_the_same_end"
RESUME = "tests/cli/test_resume.py"
STORAGE = "tests/test_storage.py"
CHECKPOINTS = "tests/recording/test_checkpoints.py"
TRAINER = "tests/training/test_trainer.py"

SABOTEURS = (
    Saboteur(
        "bytes are on disk before the name",
        "rnnexp/storage.py",
        "            yield write\n            with _naming(path, need):\n                disk.sync(file)\n",
        "            yield write\n",
        f"{STORAGE}::test_bytes_are_on_disk_before_the_name_and_the_name_before_the_return",
    ),
    Saboteur(
        "nothing is written through a link",
        "rnnexp/storage.py",
        "flags | os.O_NOFOLLOW | os.O_CLOEXEC",
        "flags | os.O_CLOEXEC",
        f"{STORAGE}::test_a_log_does_not_follow_a_link",
    ),
    Saboteur(
        "a torn line is cut off",
        "rnnexp/storage.py",
        "        if end < size:\n            disk.truncate(self._file, end)\n",
        "",
        f"{STORAGE}::test_a_torn_last_line_is_cut",
    ),
    Saboteur(
        "a flipped bit is refused",
        "rnnexp/recording/checkpoints.py",
        '    if actual != expected.get("sha256"):',
        "    if False:",
        f"{CHECKPOINTS}::test_a_flip_of_any_bit_is_refused",
    ),
    Saboteur(
        "the manifest carries its own hash",
        "rnnexp/recording/checkpoints.py",
        "    if _sealed(manifest) != data:",
        "    if False:",
        f"{CHECKPOINTS}::test_a_flip_of_any_bit_is_refused",
    ),
    Saboteur(
        "a pickle is refused",
        "rnnexp/recording/checkpoints.py",
        "    if archive or is_pickle(data):",
        "    if False:",
        f"{CHECKPOINTS}::test_a_pickle_under_our_names_is_refused_and_never_run",
    ),
    Saboteur(
        "an old checkpoint stands until its successor is whole",
        "rnnexp/recording/checkpoints.py",
        "    storage.move_folder(target, aside)\n",
        "    storage.remove_tree(target)\n    aside.mkdir()\n",
        f"{CHECKPOINTS}::test_a_crash_between_any_two_calls_loses_nothing",
    ),
    Saboteur(
        "random state comes back",
        "rnnexp/training/snapshot.py",
        "    set_random_state(checkpoint.tensors)\n",
        "",
        RESUMING,
    ),
    Saboteur(
        "the optimizer's state comes back",
        "rnnexp/training/snapshot.py",
        '    optimizer.load_state_dict({"state": slots, "param_groups": groups})\n',
        "",
        RESUMING,
    ),
    Saboteur(
        "the place in the epoch comes back",
        "rnnexp/training/trainer.py",
        '        self.gradients.batch, self._in_mid_epoch = cursor["batch"], cursor["in_mid_epoch"]\n',
        '        self._in_mid_epoch = cursor["in_mid_epoch"]\n',
        RESUMING,
    ),
    Saboteur(
        "the truncated window comes back",
        "rnnexp/training/trainer.py",
        '            self.gradients.unroller.window = cursor["window"]\n',
        "",
        RESUMING,
    ),
    Saboteur(
        "the carried state comes back",
        "rnnexp/training/trainer.py",
        "            self.gradients.unroller.carried = carried_state(checkpoint, self.device)\n",
        "",
        RESUMING,
    ),
    Saboteur(
        "patience and plateau come back",
        "rnnexp/training/monitor.py",
        '        self.latest, self.waited = state["latest"], state["waited"]\n',
        "",
        RESUMING,
    ),
    Saboteur(
        "the running mean of the clipping threshold comes back",
        "rnnexp/training/trainer.py",
        '        self.clipper.restore(state["clipping"])\n',
        "",
        RESUMING,
    ),
    Saboteur(
        "updates between two lines of the log are not lost",
        "rnnexp/training/journal.py",
        '        self.statistics = Statistics(**state["statistics"])\n',
        "",
        RESUMING,
    ),
    Saboteur(
        "each update is in the log once",
        "rnnexp/running/resuming.py",
        "            folder.metrics.cut(checkpoint.state[LOG_BYTES])\n",
        "",
        f"{RESUME}::test_a_damaged_checkpoint_is_said_kept_and_passed_over",
    ),
    Saboteur(
        "a damaged checkpoint is kept as .corrupt",
        "rnnexp/recording/checkpoint_state.py",
        '        storage.move_folder(place, run.checkpoints / f"{step}.corrupt")\n',
        "        storage.remove_tree(place)\n",
        f"{RESUME}::test_a_damaged_checkpoint_is_said_kept_and_passed_over",
    ),
    Saboteur(
        "changed data are named",
        "rnnexp/running/resuming.py",
        "    yield from data_drift(folder, experiment.dataset)\n",
        "",
        f"{RESUME}::test_changed_data_and_versions_are_named",
    ),
    Saboteur(
        "other versions are named",
        "rnnexp/running/drift.py",
        'COMPARED = ("versions", ',
        "COMPARED = (",
        f"{RESUME}::test_changed_data_and_versions_are_named",
    ),
    Saboteur(
        "a changed config is named",
        "rnnexp/running/resuming.py",
        '        if not within(problem.key or "", EXTENDABLE):',
        "        if False:",
        f"{RESUME}::test_a_changed_config_is_named_by_its_keys",
    ),
    Saboteur(
        "one process writes a run",
        "rnnexp/storage.py",
        "            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        f"{RESUME}::test_two_processes_never_write_one_run",
    ),
    Saboteur(
        "a signal leaves a checkpoint",
        "rnnexp/training/trainer.py",
        "        interrupt.in_hand()\n        journal.checkpoint(self._snapshot(journal), False, True)\n",
        "        interrupt.in_hand()\n",
        f"{TRAINER}::test_a_signal_leaves_a_checkpoint",
    ),
    Saboteur(
        "a step that does not end is left in time",
        "rnnexp/training/interrupt.py",
        "        self._waiting.start()\n",
        "",
        f"{RESUME}::test_a_step_that_does_not_end_is_left",
    ),
    Saboteur(
        "what is not finite never reaches a weight",
        "rnnexp/training/update.py",
        "        if not is_finite(value, norm):",
        "        if False:",
        f"{TRAINER}::test_what_is_not_finite_never_reaches_a_weight",
    ),
    Saboteur(
        "where outcomes are read later, what follows a divergence is held back",
        "rnnexp/training/deferred.py",
        "        self._poison.addcmul_(",
        "        self._poison.zero_().addcmul_(",
        "tests/training/test_deferred.py::test_a_divergence_is_reported_where_it_was",
    ),
    Saboteur(
        "a weight that is not finite is never saved",
        "rnnexp/training/trainer.py",
        "        if bad is not None:\n",
        "        if False:\n",
        f"{TRAINER}::test_a_weight_that_is_not_finite_is_never_saved",
    ),
    Saboteur(
        "a changed file of a finished run is found",
        "rnnexp/recording/run_folder.py",
        "        elif sha256(run / name) != expected:",
        "        elif False:",
        "tests/cli/test_verify.py::test_a_changed_file_is_named",
    ),
    Saboteur(
        "a replay compares bits",
        "rnnexp/recording/checkpoints.py",
        "    return torch.equal(ours, theirs)\n",
        "    return True\n",
        "tests/cli/test_verify.py::test_other_bits_are_found_by_a_replay",
    ),
    Saboteur(
        "YAML tags are refused",
        "rnnexp/config/yaml_reading.py",
        "            raise tag_error(self.source, _mark(event), tag)\n",
        "            pass\n",
        "tests/config/test_document.py::test_tags_are_refused_as_unsafe",
    ),
    Saboteur(
        "aliases cannot multiply",
        "rnnexp/config/yaml_reading.py",
        "        if self.nodes > MAX_NODES:",
        "        if False:",
        "tests/config/test_document.py::test_ten_thousand_nodes_are_the_limit",
    ),
    Saboteur(
        "no exception comes out of a signal handler",
        "rnnexp/training/interrupt.py",
        "        self.number = number\n        for other in SIGNALS:\n",
        "        self.number = number\n        stop_if_asked()\n        for other in SIGNALS:\n",
        "tests/training/test_interrupt.py::test_the_handler_raises_nothing_by_itself",
    ),
    Saboteur(
        "a finished point is not run again",
        "rnnexp/sweeps/conduct.py",
        '        if trial is not None and trial.state == "finished":\n            result.finished',
        "        if False:\n            result.finished",
        "tests/sweeps/test_conduct.py::test_every_point_is_run_once_in_order",
    ),
    Saboteur(
        "an interrupted trial goes on from its checkpoint",
        "rnnexp/sweeps/conduct.py",
        "        if trial is not None and trial.resumable:",
        "        if False:",
        "tests/sweeps/test_conduct.py::test_what_a_kill_left_is_gone_on_with_or_cleared_away",
    ),
    Saboteur(
        "what a sweep froze cannot be edited",
        "rnnexp/sweeps/sweep_folder.py",
        "            if name not in FROZEN or not (path / name).is_file() or sha256(path / name) != expected:",
        "            if False:",
        "tests/sweeps/test_freezing.py::test_what_is_frozen_cannot_be_edited",
    ),
    Saboteur(
        "every point is checked before the first starts",
        "rnnexp/sweeps/freezing.py",
        "    _check_points(plan)\n    return plan\n",
        "    return plan\n",
        "tests/sweeps/test_freezing.py::test_every_setting_that_cannot_be_run_is_named_with_its_values",
    ),
    Saboteur(
        "data that changed since a sweep was frozen are refused",
        "rnnexp/sweeps/conduct.py",
        "    if changed:\n",
        "    if False:\n",
        "tests/sweeps/test_conduct.py::test_changed_data_are_refused",
    ),
)
