"""Information about the theory in a network's score beyond summary statistics, in bits: I(label; score | P, B).

The chain rule gives I(y; s | X) = H(y | X) - H(y | X, s), and any classifier's cross-entropy on data that it has not
seen is, in the mean, an upper limit of the entropy that it stands for (Barber & Agakov 2003, "The IM algorithm"). The
estimate is the cross-entropy of a classifier that knows X minus that of one that knows X and the score, over seeds that
neither was fitted to. With H(y | X) itself in the first place it would be a lower limit of the information; what the
first classifier fails to make of X is counted as the score's, unless it is done as follows.

X comes as two numbers: the ridge regression of the label on X, fitted to the seeds of the other parts, and that of the
score on X, fitted to test seeds outside the fold. The first classifier, logistic regression, has these two; the second
one has what the regression leaves of the score too. So a score that is a linear function of X adds nothing, however
badly the label was predicted (the residuals of both are what the conditional independence test of Shah & Peters 2020,
arXiv:1804.07203, multiplies). The two numbers of a seed always come from regressions without that seed, and the
logistic regression calibrates them as Platt (1999) does. Both members of a pair are in one fold.

Only scores of the test part are asked: the network was fitted to the training part, and the validation part chose its
epoch, so that its scores there are related to the labels by choice alone. Their summaries are not, and teach the
classifiers what P and B hold.
"""

from __future__ import annotations

import numpy as np

from weakfield.audit.records import Information, Unit
from weakfield.audit.regression import Array, folds, left_over, predicted
from weakfield.base.optional import from_extra
from weakfield.dataset import PairTensor
from weakfield.learning import Estimate, Scores
from weakfield.learning.classifiers import ROUNDING
from weakfield.learning.scores import CONFIDENCE
from weakfield.learning.summaries import SHELLS_OF_B

#: parts of the test seeds; each is predicted by classifiers that were fitted to the others
OUTER = 5
#: inverse strength of a penalty that only decides between columns that are the same
FREE = 1e3


def information(scores: Scores, features: Array, others: Array, given: str, unit: Unit) -> Information:
    """Bits about the theory in ``scores`` beyond what is ``given``: the columns of ``features`` (pairs, 2, F).

    ``others`` (pairs, 2, F) are the same of seeds outside the scores. A cube is one of either theory, as often as the
    other; of a pair, only differences between its members are seen, and the question is which of the two is GR's. The
    interval, of 95 %, is that of Student's t over seeds. At least four seeds are needed.
    """
    plain, informed = held_out(scores, features, others, unit)
    spent, left = _bits(plain, unit), _bits(informed, unit)
    if spent.mean() > 1:  # what is given was worth less than knowing that either answer is as likely
        spent = np.ones_like(spent)
    return Information(given=given, unit=unit, bits=_student(spent - left), known=1 - float(spent.mean()))


def held_out(scores: Scores, features: Array, others: Array, unit: Unit) -> tuple[Array, Array]:
    """Log-odds of GR (pairs, members) of classifiers without and with the score, for seeds they were not fitted to.

    Of a pair there is one: the log-odds that its second member is GR's.
    """
    values = np.stack([scores.newton, scores.gr], axis=1)
    paired = unit == "pair"
    x, known, s = (_differences(a) if paired else a for a in (features, others, values))
    labels = np.ones((len(known), 1)) if paired else np.tile([-1.0, 1.0], (len(known), 1))
    label = predicted(known, labels, x, centred=not paired)
    plain, informed = np.empty_like(s), np.empty_like(s)
    for number, fold in enumerate(folds(len(s), 0, OUTER)):
        rest = np.setdiff1d(np.arange(len(s)), fold)
        inside = left_over(s[rest], x[rest], number, centred=not paired)
        outside = s[fold] - predicted(x[rest], s[rest], x[fold], centred=not paired)
        fitted = np.stack([label[rest], s[rest] - inside, inside], axis=-1)
        asked = np.stack([label[fold], s[fold] - outside, outside], axis=-1)
        for columns, logits in ((2, plain), (3, informed)):
            logits[fold] = _log_odds(fitted[..., :columns], asked[..., :columns])
    return plain, informed


def triangle_rows(cubes: PairTensor, box_size_mpch: float) -> Array:
    """asinh of B(k1, k2, k3) over its Gaussian error, (pairs, 2, triangles), up to the Nyquist wavenumber.

    ``SHELLS_OF_B`` shells or fewer, of about equal width; channels follow one another. A triangle is closed exactly, so
    that nothing is aliased.
    """
    from weakfield.spectra import bispectrum

    edges = np.unique(np.round(np.linspace(0.0, (cubes.shape[-1] - 1) // 2, SHELLS_OF_B + 1))) + 0.5

    def significance(cube: Array) -> Array:
        found = bispectrum(cube, box_size_mpch, edges)
        return np.divide(found.value, found.error, out=np.zeros_like(found.value), where=found.error > 0)

    values = cubes.values.double().numpy()
    rows = [[np.concatenate([significance(c) for c in member]) for member in pair] for pair in values]
    return np.asarray(np.arcsinh(np.array(rows)))


def _log_odds(fitted: Array, asked: Array) -> Array:
    """Logistic regression on ``fitted`` (pairs, members, columns), asked for other pairs: (pairs, members).

    Pairs of one member are differences in which the second is GR's; without a constant, the regression calls a
    difference and its opposite with opposite odds. Targets are those of Platt (1999), (n + 1) / (n + 2) in place of 1
    for n pairs, so that odds stay finite. A penalty would do that too, but with one more column it would weigh less,
    and the mere repetition of what is known would be counted as bits.
    """
    with from_extra("learn", "the control 'information'"):
        from sklearn.linear_model import LogisticRegression

    pairs, members, columns = fitted.shape
    rows = fitted.reshape(-1, columns)
    shift = rows.mean(0) if members == 2 else np.zeros(columns)
    scale = np.sqrt(((rows - shift) ** 2).mean(0))
    scale = np.where(scale > 0, scale, 1.0)
    rows = (rows - shift) / scale
    labels = np.tile(np.arange(2 - members, 2), pairs)
    hit = (pairs + 1) / (pairs + 2)
    model = LogisticRegression(C=FREE, fit_intercept=members == 2, max_iter=1000)
    weights = np.repeat([hit, 1 - hit], len(rows))
    model.fit(np.concatenate([rows, rows]), np.concatenate([labels, 1 - labels]), weights)
    # no odds beyond those of a target: the question may lie far from all that was fitted
    most = np.log(pairs + 1)
    return np.asarray(np.clip(((asked - shift) / scale) @ model.coef_[0] + model.intercept_, -most, most))


def _bits(logits: Array, unit: Unit) -> Array:
    """Cross-entropy of every seed [bits], (pairs,), averaged over its members."""
    signs = np.array([1.0]) if unit == "pair" else np.array([-1.0, 1.0])
    return np.asarray(np.logaddexp(0, -signs * logits).mean(axis=1) / np.log(2))


def _differences(values: Array) -> Array:
    """Second member minus the first, (pairs, 1, ...) from (pairs, 2, ...); 0 where all pairs differ by rounding."""
    gap = values[:, 1:] - values[:, :1]
    differs = np.abs(gap).max(axis=(0, 1)) > ROUNDING * np.abs(values).max(axis=(0, 1))
    return np.asarray(gap * differs)


def _student(values: Array) -> Estimate:
    """Their mean and its interval, which ends at the one bit that there is."""
    from scipy.special import stdtrit

    mean, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    reach = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error
    return Estimate(mean, mean - reach, min(mean + reach, 1.0))
