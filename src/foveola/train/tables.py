"""An evaluation for people: a page of Markdown tables, and a chart.

Every figure stands with the interval in which 95 of 100 samples of so many pictures would have it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from foveola.train.evaluate import SEARCHES, WAYS, Evaluation, Way
from foveola.train.extras import needed
from foveola.train.figures import TOLERANCE, Figure, Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: dict[Way, str] = {
    "network": "#1e64c8",
    "ml": "#c86414",
    "dssim": "#3c8c50",
    "transform": "#96bea0",
    "family": "#aab0ba",
    "constant": "#d2d6dc",
}
MEANING: dict[Way, str] = {
    "network": "what the network says by itself",
    "ml": "real searches with the network",
    "dssim": "real searches without it",
    "transform": "what the picture's coefficients say, without an encode",
    "family": "the mean of the codec's fitted curves, whatever the picture",
    "constant": "one quality for all pictures",
}


def markdown(evaluation: Evaluation) -> str:
    """Return a page: all ways by target, then the network by source."""
    question, labels = evaluation.question, evaluation.labels
    about = [
        f"# {question.network.name} for {labels.format}",
        f"{len(labels)} pictures, labelled {labels.date or 'without a date'}; "
        f"settings {_settings(labels.settings)}; {_versions(labels.versions)}.",
        "MAE is the mean absolute error of the quality. A first encode is *within* where its DSSIM is at most so far "
        "from the target, or at a bound that nothing better lies beyond. In brackets: 95 % intervals (bootstrap over "
        "pictures). Encodes count mosaics by their share.",
        "\n".join(f"- **{way}**: {MEANING[way]}" for way in WAYS if _tried(evaluation, way)),
    ]
    parts = [*about, *(_by_way(evaluation, target) for target in question.targets), *_by_source(evaluation)]
    if evaluation.skipped:
        parts.append("Left out:\n\n" + "\n".join(f"- {name}: {why}" for name, why in evaluation.skipped.items()))
    return "\n\n".join(parts) + "\n"


def _tried(evaluation: Evaluation, way: Way) -> bool:
    return any(row.way == way for row in evaluation.rows)


def _settings(settings: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in vars(settings).items()) or "none"


def _versions(versions: Any) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions unknown"


def _by_way(evaluation: Evaluation, target: float) -> str:
    allowed = evaluation.question.allowed_error
    heads = ["way", "MAE", "within 1", "within 2", "within 5", f"first encode ±{TOLERANCE:g}"]
    heads += [f"first encode ±{allowed:g}"] if allowed != TOLERANCE else []
    heads += ["encodes"] if evaluation.question.search else []
    rows = [
        [way, *cells(found, allowed, evaluation.question.search)]
        for way in WAYS
        if (found := evaluation.figures(target, way))
    ]
    return f"## Target {target:g}\n\n{table(heads, rows)}"


def cells(found: Figures, allowed: float, search: bool) -> list[str]:
    """Return the cells of one row of figures."""
    shares = [found.within_1, found.within_2, found.within_5, found.tolerable]
    shares += [found.allowed] if allowed != TOLERANCE else []
    encodes = [number(found.encodes) if found.encodes else ""] if search else []
    return [number(found.mae), *map(share, shares), *encodes]


def _by_source(evaluation: Evaluation) -> Iterator[str]:
    sources = sorted({row.source for row in evaluation.rows} - {""})
    targets = evaluation.question.targets
    for way in ("network", "ml"):
        if not sources or not any(row.way == way for row in evaluation.rows):
            continue
        rows = []
        for source in sources:
            found = [evaluation.figures(target, way, source) for target in targets]
            count = next((str(figures.pictures) for figures in found if figures), "0")
            shown = [f"{number(figures.mae)}, {share(figures.tolerable)}" if figures else "" for figures in found]
            rows.append([source, count, *shown])
        what = f"MAE, and the share of first encodes within ±{TOLERANCE:g}"
        heads = ["source", "pictures", *(f"{target:g}" for target in targets)]
        yield f"## {way} by source and target\n\n{what}.\n\n{table(heads, rows)}"


def number(figure: Figure) -> str:
    """Return a figure with its interval: `1.83 (1.51 to 2.20)`."""
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def share(figure: Figure) -> str:
    """Return a share with its interval in per cent: `78 % (70 to 85)`."""
    return f"{100 * figure.value:.0f} % ({100 * figure.low:.0f} to {100 * figure.high:.0f})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; names of folders may have a bar in them."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def chart(evaluation: Evaluation) -> bytes:
    """Return a PNG of what the network said over the truth, and of errors and encodes of all ways.

    Raises:
        FoveolaError: the extra `[train]` is missing.
    """
    needed("matplotlib", "--chart")
    from matplotlib.figure import Figure as Canvas

    searched = any(row.way in SEARCHES for row in evaluation.rows)
    canvas = Canvas(figsize=(16 if searched else 11, 5), layout="constrained")
    axes = canvas.subplots(1, 3 if searched else 2, squeeze=False)[0]
    _scatter(axes[0], evaluation)
    _bars(axes[1], evaluation, WAYS, "mae", "mean absolute error, in qualities")
    if searched:
        _bars(axes[2], evaluation, SEARCHES, "encodes", "encodes of a search")
    name, count = evaluation.question.network.name, len(evaluation.labels)
    canvas.suptitle(f"{name} for {evaluation.labels.format}, {count} pictures")
    picture = io.BytesIO()
    canvas.savefig(picture, format="png", dpi=100)
    return picture.getvalue()


def _scatter(axes: Axes, evaluation: Evaluation) -> None:
    axes.plot((0, 101), (0, 101), color="#6b7280", linewidth=1)
    for index, target in enumerate(evaluation.question.targets):
        found = evaluation.foreseen.get((target, "network"))
        if found is not None:
            axes.scatter(evaluation.truth[index], found.quality, s=12, alpha=0.7, label=f"{target:g}", linewidths=0)
    axes.set(xlim=(0, 101), ylim=(0, 101), xlabel="quality that meets the target", ylabel="quality the network says")
    axes.legend(title="target")


def _bars(axes: Axes, evaluation: Evaluation, ways: Sequence[Way], name: str, label: str) -> None:
    targets = evaluation.question.targets
    tried = [way for way in ways if _tried(evaluation, way)]
    width = 0.8 / max(len(tried), 1)
    for place, way in enumerate(tried):
        found = [(index, evaluation.figures(target, way)) for index, target in enumerate(targets)]
        shown = [(index, getattr(figures, name)) for index, figures in found if figures and getattr(figures, name)]
        at = [index + (place - (len(tried) - 1) / 2) * width for index, _ in shown]
        values = [figure.value for _, figure in shown]
        ends = [[f.value - f.low for _, f in shown], [f.high - f.value for _, f in shown]]
        axes.bar(at, values, width, yerr=ends, color=_COLOURS[way], label=way, error_kw={"linewidth": 0.8})
    axes.set_xticks(range(len(targets)), [f"{target:g}" for target in targets])
    axes.set(xlabel="target", ylabel=label)
    axes.legend()
