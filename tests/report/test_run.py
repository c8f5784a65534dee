"""The page of a run in which every stage was done, of one with nothing, and the words it chooses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from helpers.metrics import metrics_of
from helpers.synthetic import tiny_study, write_run
from weakfield.audit import run as audit
from weakfield.base.errors import BadInput
from weakfield.config import RunFolder, StudyConfig
from weakfield.dataset import build
from weakfield.explain import run as explain
from weakfield.explain.records import Explanation
from weakfield.explain.tables import attributions
from weakfield.learning import training
from weakfield.report import run as report
from weakfield.report.classification import BASELINE_LABELS, LABELS, bound_note, plain_point
from weakfield.report.run import SECTIONS
from weakfield.spectra import measure

CONTROLS = ("monopole_only", "monopole_removed", "log_pk_baseline")


class Page(HTMLParser):
    """Everything on a page that could be fetched, its headings, and whether its tags close."""

    VOID = {"meta", "link", "img", "input", "br"}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = re.findall(r"url\(([^)]*)\)", text)
        self.images, self.headings, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.fetched += [values[key] for key in ("src", "href", "srcset", "action") if key in values]
        if tag == "img":
            self.images.append(values)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h2", "h3"):
            self.headings.append(data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    study = tiny_study(
        pairs=24,
        dataset={"fractions": (0.5, 0.17, 0.33)},
        training={"epochs": 10, "learning_rate": 5e-3},
        audit={"controls": CONTROLS},
        explain={"pairs": 2, "draws": 2, "perturbations": 2, "fractions": 4, "trust_epochs": 1},
    )
    folder = write_run(study, tmp_path_factory.mktemp("report") / "run", scale=1.5)
    for stage in (measure, build, training, audit, explain):
        stage.run(study, folder)
    return study, folder


@pytest.mark.slow(minutes=0.3)
def test_page_holds_every_section_in_order_and_fetches_nothing(whole):
    study, folder = whole
    summary = report.run(study, folder)
    text = (folder.report / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert [h for h in page.headings if h in {title for _, title, _ in SECTIONS}] == [title for _, title, _ in SECTIONS]
    assert all(uri.startswith(("data:", "#")) for uri in page.fetched)
    assert not re.search(r"https?://|@import|fetch\(|XMLHttp", text)
    assert "has not been run" not in text
    # head, slider, spectra, bispectra, training, audit with its ROC curves, slider, attribution
    assert len(page.images) == 4 + 3 + 2 + 2 + 4 + 2 + 3 + 7
    assert all(image["alt"] for image in page.images)
    assert summary["bytes"] == len(text.encode()) < 6_000_000


def test_page_shows_what_the_stages_wrote(whole):
    study, folder = whole
    report.run(study, folder)
    text = (folder.report / "index.html").read_text(encoding="utf-8")
    for control in CONTROLS:
        assert control in text
    for label in (*LABELS.values(), *BASELINE_LABELS.values()):
        assert label in text
    assert "24 random seeds (3\N{EN DASH}26)" in text
    assert "No provenance.json" in text  # the runner writes it, and it was not used here


def test_stages_that_are_absent_are_one_line_each(tmp_path):
    study = tiny_study()
    report.run(study, RunFolder(tmp_path))
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert Page(text).open == []
    for stage in ("simulate", "measure", "dataset", "train", "audit", "explain"):
        assert f"the stage '{stage}' has not been run" in text
    assert text.count("has not been run") == 13  # two sentences of the head, and eleven sections


@pytest.mark.slow(minutes=0.1)
def test_a_network_at_chance_has_no_attribution_and_no_words_for_its_fit(tmp_path):
    study = tiny_study(
        training={"mean_kept_too": False},
        audit={"controls": ("labels_shuffled",)},
        explain={"pairs": 1, "trust": False},
    )
    folder = write_run(study, tmp_path)  # two test seeds tell nothing from chance
    for stage in (build, training, audit, explain):
        stage.run(study, folder)
    report.run(study, folder)
    text = " ".join((folder.report / "index.html").read_text(encoding="utf-8").split())
    page = Page(text)
    assert "On 2 test seeds the network does not tell the theories apart: AUC between universes" in text
    assert "what the network saw" not in text.lower().replace("there is no figure of what the network saw", "")
    assert [h for h in page.headings if h == "Attribution"] == ["Attribution"]
    assert "attribution-plane" not in text
    assert "verfit" not in text
    assert "there is no result that they could explain away" in text
    said = Explanation.load(folder.explain / "explain.json").at_chance
    assert said is not None
    assert said.startswith("on 2 test seeds the network does not tell the theories apart")
    assert "nothing to explain: on 2 test seeds" in repr(attributions(folder))


def test_a_damaged_file_is_named_and_no_page_is_written(tmp_path):
    study = tiny_study()
    folder = RunFolder(tmp_path)
    folder.audit.mkdir(parents=True)
    (folder.audit / "audit.json").write_text('{"summary": ')
    with pytest.raises(BadInput, match=r"audit\.json"):
        report.run(study, folder)
    assert not folder.report.exists()
    (folder.audit / "audit.json").write_text('{"controls": [{"name": "first"}]}')
    with pytest.raises(BadInput, match=r"audit\.json lacks 'summary'"):
        report.run(study, folder)


def score(value: float, low: float, high: float, paired: float = 0.5) -> dict:
    return {
        "auc": {"value": value, "low": low, "high": high},
        "unpaired_auc": {"value": value, "low": low, "high": high},
        "paired_accuracy": {"value": paired, "low": paired - 0.05, "high": paired},
    }


CHANCE, ABOVE, ALL = score(0.5, 0.4, 0.6), score(0.8, 0.6, 0.9), score(1, 0.9, 1)


@pytest.mark.parametrize(
    ("mean", "kept", "removed", "power", "said", "unsaid"),
    [
        (ALL, ALL, CHANCE, CHANCE, ["any classifier wins", "not distinguishable"], ["above chance"]),
        (ALL, CHANCE, ABOVE, ALL, ["did not learn to use it", "above chance", "nothing beyond"], ["any classifier"]),
        (CHANCE, CHANCE, ALL, ABOVE, ["does not tell the theories apart", "lead over it is significant"], ["wins"]),
        (ALL, None, score(0.6, 0.4, 0.7, 1.0), None, ["can win by the monopole", "100 % of the test"], ["log P(k)"]),
    ],
)
def test_the_plain_point_follows_the_numbers(mean, kept, removed, power, said, unsaid):
    metrics = {"cnn": metrics_of(removed, baselines={"mean": mean} | ({"log_pk": power} if power else {}))}
    if kept:
        metrics["cnn_meankept"] = metrics_of(kept)
    models = {name: SimpleNamespace(metrics=found) for name, found in metrics.items()}
    text = plain_point(SimpleNamespace(models=models, main_model=models["cnn"], study=StudyConfig()))
    assert all(words in text for words in said), text
    assert not any(words in text for words in unsaid), text


def test_so_few_seeds_that_nothing_follows_are_said_and_claim_nothing():
    seeds = {"train": [4, 5], "validation": [6], "test": [1, 2]}
    perfect, bound = score(1.0, 1.0, 1.0, 1.0), {"value": 0.6, "low": 0.5, "high": 0.7}
    more = {"auc": bound, "auc_shells": bound, "d_prime": 1.0, "modes": 9, "modes_shells": 9, "null": 0.5}
    metrics = metrics_of(perfect, baselines={"mean": perfect}, seeds=seeds, bound=more)
    model = SimpleNamespace(metrics=metrics)
    results = SimpleNamespace(models={"cnn": model}, main_model=model, study=StudyConfig())
    assert plain_point(results) == (
        "With 2 test seeds nothing can be told from chance: a perfect order of so few pairs happens by chance too"
        " often; at least 5 are needed."
    )
    assert bound_note(results).endswith("cannot be compared with it on so few test seeds.")
