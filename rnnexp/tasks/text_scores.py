"""Text against text: BLEU (Papineni et al. 2002) and chrF (Popović 2015), by sacrebleu.

A hypothesis is its tokens put together again (`Tokens.text`); the reference is the text as it was
written. Both scores are of a whole split, from 0 to 100; BLEU cuts both into words its own way
(tokenize 13a), so that it compares with published numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnexp.errors import EnvironmentMissingError

__all__ = ["check_text_scores", "text_scores"]


def check_text_scores() -> None:
    """Before the training that would end with these scores.

    Raises:
        EnvironmentMissingError: sacrebleu is not installed.
    """
    try:
        import sacrebleu  # noqa: F401
    except ImportError:
        raise EnvironmentMissingError(
            "BLEU and chrF come with sacrebleu, which is not installed",
            code="ENV103",
            key="task.alignment",
            value="delayed",
            hint='pip install "rnnexp[text]"',
        ) from None


def text_scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """`bleu` and `chrf` of a whole split, 0 to 100."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {
        "bleu": float(BLEU(tokenize="13a").corpus_score(hypotheses, [references]).score),
        "chrf": float(CHRF().corpus_score(hypotheses, [references]).score),
    }
